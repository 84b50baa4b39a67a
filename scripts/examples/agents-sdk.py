"""OpenAI's Agents SDK for Python, over both APIs; only the address and the key say that it is Chorus."""

import asyncio

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

set_tracing_disabled(True)


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city."""
    print(f"get_weather({city})")
    return '{"temperature": 21}'


async def main():
    client = AsyncOpenAI(base_url="http://localhost:8000/v1", api_key="EMPTY")
    for Model in (OpenAIResponsesModel, OpenAIChatCompletionsModel):
        agent = Agent(
            name="Assistant",
            instructions="You answer in one sentence.",
            model=Model(model="openai/gpt-oss-20b", openai_client=client),
            model_settings=ModelSettings(temperature=0),
            tools=[get_weather],
        )
        result = await Runner.run(agent, "What is the weather in Paris?")
        print(result.final_output)


asyncio.run(main())
