"""A function called through the Responses API: the result alone is sent, the conversation is at the server."""

import json

from openai import OpenAI

client = OpenAI(base_url="http://localhost:8000/v1", api_key="EMPTY")

tools = [
    {
        "type": "function",
        "name": "get_weather",
        "description": "Get the current weather for a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
]
common = {"model": "openai/gpt-oss-20b", "tools": tools, "temperature": 0}

response = client.responses.create(**common, input="What is the weather in Paris?")
results = []
for item in response.output:
    if item.type == "function_call":
        print(f"{item.name}({item.arguments})")
        output = json.dumps({"temperature": 21})
        results.append({"type": "function_call_output", "call_id": item.call_id, "output": output})
answer = client.responses.create(**common, input=results, previous_response_id=response.id)
print(answer.output_text)
