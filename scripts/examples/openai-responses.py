"""Responses with the openai package, as the same guide calls vLLM; what vLLM forgets on a follow-up is kept here."""

from openai import OpenAI

client = OpenAI(base_url="http://localhost:8000/v1", api_key="EMPTY")

response = client.responses.create(
    model="openai/gpt-oss-20b",
    instructions="You are a helpful assistant.",
    input="Explain what MXFP4 quantization is.",
)
print(response.output_text)

told = client.responses.create(model="openai/gpt-oss-20b", input="My name is Ada.", temperature=0)
print(told.output_text)
asked = client.responses.create(
    model="openai/gpt-oss-20b", input="What is my name?", temperature=0, previous_response_id=told.id
)
print(asked.output_text)
