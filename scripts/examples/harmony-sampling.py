"""
Direct sampling: openai-harmony makes the prompt and reads the answer, and only token ids travel. The guide loads the
model into its own process for this (`vllm.LLM`); here the engines of a running Chorus sample.
"""

import json
from urllib.request import Request, urlopen

from openai_harmony import (
    Conversation,
    DeveloperContent,
    HarmonyEncodingName,
    Message,
    Role,
    SystemContent,
    load_harmony_encoding,
)

encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
conversation = Conversation.from_messages(
    [
        Message.from_role_and_content(Role.SYSTEM, SystemContent.new()),
        Message.from_role_and_content(
            Role.DEVELOPER, DeveloperContent.new().with_instructions("Always answer in French.")
        ),
        Message.from_role_and_content(Role.USER, "Say hello."),
    ]
)
body = {
    "model": "openai/gpt-oss-20b",
    "token_ids": encoding.render_conversation_for_completion(conversation, Role.ASSISTANT),
    "sampling_params": {
        "max_tokens": 128,
        "temperature": 0,
        "stop_token_ids": encoding.stop_tokens_for_assistant_actions(),
    },
}
request = Request(
    "http://localhost:8000/inference/v1/generate",
    data=json.dumps(body).encode(),
    headers={"content-type": "application/json", "authorization": "Bearer EMPTY"},
)
with urlopen(request) as answer:
    token_ids = json.load(answer)["choices"][0]["token_ids"]
for message in encoding.parse_messages_from_completion_tokens(token_ids, Role.ASSISTANT):
    print(message.channel, message.content[0].text)
