"""Chat Completions with the openai package, as OpenAI's guide "How to run gpt-oss with vLLM" calls vLLM."""

from openai import OpenAI

client = OpenAI(base_url="http://localhost:8000/v1", api_key="EMPTY")

messages = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Explain what MXFP4 quantization is."},
]
completion = client.chat.completions.create(model="openai/gpt-oss-20b", messages=messages)
print(completion.choices[0].message.content)

for chunk in client.chat.completions.create(
    model="openai/gpt-oss-20b",
    messages=[{"role": "user", "content": "What is 7 + 8?"}],
    temperature=0,
    stream=True,
):
    for choice in chunk.choices:
        print(choice.delta.content or "", end="")
print()
