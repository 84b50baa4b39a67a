"""LiteLLM's proxy in front of Chorus (`litellm.yaml`), asked through the openai package by both APIs."""

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

from openai import APIConnectionError, OpenAI

CONFIG = Path(__file__).with_name("litellm.yaml")
LITELLM = Path(sys.executable).with_name("litellm")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_up(client, proxy):
    while proxy.poll() is None:
        try:
            return client.models.list()
        except APIConnectionError:
            time.sleep(0.5)
    sys.exit("The proxy ended.")


key = f"sk-{secrets.token_hex(24)}"
port = free_port()
settings = {
    "CHORUS_BASE_URL": os.environ.get("CHORUS_BASE_URL", "http://localhost:8000/v1"),
    "LITELLM_MASTER_KEY": key,
    # Its prices are of no use here, and it would ask for them on the internet.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
command = [LITELLM, "--config", CONFIG, "--host", "127.0.0.1", "--port", str(port)]
proxy = subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    client = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key, max_retries=0)
    print([model.id for model in wait_until_up(client, proxy).data])
    completion = client.chat.completions.create(
        model="gpt-oss-20b", messages=[{"role": "user", "content": "What is 7 + 8?"}], temperature=0
    )
    print("chat:     ", completion.choices[0].message.content)
    response = client.responses.create(model="gpt-oss-20b", input="What is 7 + 8?", temperature=0)
    print("responses:", response.output_text)
finally:
    proxy.terminate()
    proxy.wait()
