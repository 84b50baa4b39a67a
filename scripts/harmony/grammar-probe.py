"""What xgrammar makes of structural tags: a line of JSON in, a line of JSON out, until stdin ends.

In: {"tag": a structural tag, "texts": [...]}, each text from the first token after <|start|>assistant.
Out: {"error": null or text, "compileMs": CPU milliseconds, "accepts": [whether each text, then a stop, is let through]}.
The argument is the model's folder. The compiler is set up as vLLM does it (v1/structured_output/backend_xgrammar.py).
"""

import json
import sys
import time

import xgrammar
from transformers import AutoTokenizer

VOCABULARY_SIZE = 201088
STOP_TOKENS = [200002, 200012]

tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=VOCABULARY_SIZE)


def new_compiler():
    return xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=True)


def accepts(grammar, text):
    matcher = xgrammar.GrammarMatcher(grammar, override_stop_tokens=STOP_TOKENS)
    tokens = tokenizer.encode(text, add_special_tokens=False)
    return all(matcher.accept_token(token) for token in tokens) and matcher.accept_token(STOP_TOKENS[0])


def probe(tag, texts):
    # One compiler for each tag: what an earlier one left in its cache would hide what this one costs.
    compiler = new_compiler()
    started = time.process_time()
    try:
        grammar = compiler.compile_structural_tag(json.dumps(tag))
    except Exception as error:
        return {"error": str(error).strip(), "compileMs": 0, "accepts": []}
    compile_ms = round((time.process_time() - started) * 1000)
    return {"error": None, "compileMs": compile_ms, "accepts": [accepts(grammar, text) for text in texts]}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(probe(request["tag"], request["texts"])), flush=True)
