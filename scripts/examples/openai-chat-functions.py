"""A function called through Chat Completions; the model's reasoning goes back with its call, as the guide asks."""

import json

from openai import OpenAI

client = OpenAI(base_url="http://localhost:8000/v1", api_key="EMPTY")

tools = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the current weather for a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]
messages = [{"role": "user", "content": "What is the weather in Paris?"}]


def ask():
    completion = client.chat.completions.create(
        model="openai/gpt-oss-20b", messages=messages, tools=tools, temperature=0
    )
    return completion.choices[0].message


message = ask()
messages.append(message.model_dump(exclude_none=True))
for call in message.tool_calls or []:
    print(f"{call.function.name}({call.function.arguments})")
    messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps({"temperature": 21})})
print(ask().content)
