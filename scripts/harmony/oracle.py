"""The official harmony library behind stdin and stdout: a line of JSON in, a line of JSON out, until stdin ends."""

import json
import sys

from openai_harmony import HarmonyError, Role, StreamableParser, load_harmony_encoding

encoding = load_harmony_encoding("HarmonyGptOss")


def encode(text):
    return encoding.encode(text, disallowed_special=())


def encode_special(text):
    return encoding.encode(text, allowed_special="all")


def render(conversation):
    # The binding's own method: the Python classes around it would only copy the same JSON.
    return encoding._inner.render_conversation_for_completion(
        conversation_json=json.dumps(conversation),
        next_turn_role="assistant",
        config={"auto_drop_analysis": False},
    )


def parse(stream):
    role = Role.ASSISTANT if stream["prompted"] else None
    parser = StreamableParser(encoding, role, strict=stream["strict"])
    error = None
    try:
        for token in stream["ids"]:
            parser.process(token)
        parser.process_eos()
    except HarmonyError as failure:
        error = str(failure)
    return {"messages": [simplify(message) for message in parser.messages], "error": error}


def simplify(message):
    return {
        "role": message.author.name or message.author.role.value,
        "channel": message.channel,
        "recipient": message.recipient,
        "contentType": message.content_type,
        "text": "".join(part.text for part in message.content),
    }


OPERATIONS = {"encode": encode, "encode_special": encode_special, "render": render, "parse": parse}

for line in sys.stdin:
    request = json.loads(line)
    operation = OPERATIONS[request["operation"]]
    print(json.dumps([operation(item) for item in request["items"]]), flush=True)
