"""The unmodified openai package for Python against the server of the first argument; one JSON object, name to result."""

import json
import sys

import openai
from pydantic import BaseModel

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="EMPTY", max_retries=0)
common = {"model": "gpt-oss-20b", "temperature": 0}
get_weather = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a city.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Person(BaseModel):
    name: str
    age: int


def create():
    return client.responses.create(**common, input="What is 7 + 8?").output_text


def stream():
    with client.responses.stream(**common, input="Repeat after me: naïve 🙂 世界 river") as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        final = events.get_final_response()
    return ["".join(deltas), final.output_text]


def tool_loop():
    history = [{"role": "user", "content": "What is the weather in Paris?"}]
    first = client.responses.create(**common, input=history, tools=[get_weather])
    call = next(item for item in first.output if item.type == "function_call")
    history += first.output
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": '{"temperature":21}'})
    return [call.arguments, client.responses.create(**common, input=history, tools=[get_weather]).output_text]


def parse():
    parsed = client.responses.parse(**common, input="Give me Ada, age 36, as JSON.", text_format=Person).output_parsed
    return parsed.age


def state():
    first = client.responses.create(**common, input="My name is Ada.")
    second = client.responses.create(**common, input="What is my name?", previous_response_id=first.id)
    kept = client.responses.retrieve(second.id).output_text
    items = [item.type for item in client.responses.input_items.list(second.id, limit=1, order="asc")]
    client.responses.delete(second.id)
    try:
        client.responses.retrieve(second.id)
    except openai.NotFoundError:
        return [kept, items]


def error():
    try:
        client.responses.create(**common | {"model": "nope"}, input="hi")
    except openai.BadRequestError as raised:
        return [raised.status_code, raised.code, raised.param]


def models():
    return [model.id for model in client.models.list()]


print(json.dumps({step.__name__: step() for step in (create, stream, tool_loop, parse, state, error, models)}))
