"""The sentences of the synthetic RNN-T data: household commands with numbers, times, names and places.

A sentence belongs to the training, validation or test set by its text alone (a hash), so no set contains another's
sentence. The words have no homophones among themselves ("two" is here, "to" is not): which of them was said can be
heard.
"""

import zlib

DIGITS = "one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
RULES = {
    "sentence": ["<command>"] * 4 + ["<question>"] * 2 + ["<message>"] * 2 + ["<short>"],
    "command": [
        "turn <onoff> the <device>", "turn <onoff> the <device> in the <room>", "turn the <room> <device> <onoff>",
        "open the <opening>", "close the <opening>", "open the <opening> in the <room>", "lock the <room> door",
        "close the <room> <opening>", "set the <room> <device> at <number> percent", "<polite> <command>",
        "make the <room> <degree>", "set the heating at <number> degrees", "start a timer of <number> minutes",
        "start the <device> at <time>", "stop the <device> after <number> minutes", "play <music> in the <room>",
        "play some <music>", "put <food> and <food> on the list", "add <food> and some <food>",
        "wake me up at <time>", "wake <person> at <time>", "<command> and <command>", "don't stop the <device>",
        "move the <device> from the <room> into the <room>", "remind <person> about the <thing> on <day>",
        "find a <placekind> near <place>", "read the <thing> from <place>",
    ],
    "question": [
        "what's the weather like in <place>", "what's the weather in <place> on <day>", "how far is it from <place> until <place>",
        "is the <room> <opening> open", "is the <device> <onoff>", "when does the train leave <place>",
        "when does <person> arrive in <place>", "where is <person>", "what's <digit> times <digit>",
        "what's <number> plus <number>", "what's <number> minus <digit>", "how much <food> is in the kitchen",
        "who lives in <place>", "is <person> in the <room>", "what's <person>'s number",
    ],
    "message": [
        "call <person>", "call <person> at <time>", "call <person> from <place>", "tell <person> dinner is at <time>",
        "tell <person> and <person> about the <thing>", "send <person> a message", "<person>'s <thing> is on <day>",
        "send the <thing> with <person>'s message", "<person> will arrive on <day> at <time>",
        "<person> and <person> live in <place>", "<person> left <place> at <time>",
    ],
    "short": [
        "stop", "yes", "no", "go on", "help", "louder", "<number>", "<time>", "<person>", "<place>", "<day>",
        "good morning", "good night", "thank you", "start again", "not now", "cancel the <thing>", "<number> <food>",
        "<onoff>", "go home", "<digit> <digit> <digit>", "<digit> <digit> <digit> <digit>", "hello <person>",
    ],
    "polite": ["please", "could you"],
    "onoff": ["on", "off"],
    "device": "lamp radio television fan heating oven alarm kettle".split(),
    "opening": "door window curtain".split(),
    "room": "kitchen bedroom bathroom garden hall office".split(),
    "degree": "warmer cooler darker".split(),
    "music": "jazz piano guitar music".split(),
    "food": "milk bread butter coffee sugar apples rice cheese".split(),
    "thing": "meeting party letter message dinner concert".split(),
    "placekind": "hotel station market school".split(),
    "person": "anna peter mary john susan david laura thomas julia martin".split(),
    "place": "london paris berlin boston chicago dublin vienna".split() + ["new york"],
    "day": "monday tuesday wednesday thursday friday saturday sunday tomorrow".split(),
    "digit": DIGITS,
    "number": ["<digit>", "<teen>", "<ten>", "<ten> <digit>", "<ten> <digit>", "<digit> hundred", "<digit> hundred <ten> <digit>"],
    "teen": TEENS,
    "ten": TENS,
    "time": ["<digit> o'clock", "<digit> <ten>", "<digit> <teen>", "half past <digit>", "noon", "<digit> in the morning",
             "<digit> o'clock in the evening"],
}
MAX_WORDS = 14


def words():
    """Every word of the grammar, sorted."""
    found = set()
    for options in RULES.values():
        for option in options:
            found.update(word for word in option.split() if "<" not in word)
    return sorted(found)


WORDS = words()


def _expand(rng, symbol, depth):
    options = RULES[symbol]
    text = options[rng.integers(len(options))]
    while depth > 1 and symbol == "command" and "<command>" in text:  # at most two commands in a sentence
        text = options[rng.integers(len(options))]
    while "<" in text:
        begin, end = text.index("<"), text.index(">")
        text = text[:begin] + _expand(rng, text[begin + 1:end], depth + 1) + text[end + 1:]
    return text


def random_words(rng):
    """One to eight words of the grammar in any order."""
    return " ".join(WORDS[rng.integers(len(WORDS))] for _ in range(rng.integers(1, 9)))


def split_of(text):
    """The set that a sentence belongs to: 10 % test, 3 % validation, else train."""
    bucket = zlib.crc32(("sentence " + text).encode()) % 100
    return "test" if bucket < 10 else "validation" if bucket < 13 else "train"


def sentence(rng, split, random_share=0.0):
    """A sentence of the set `split`; with probability random_share one of random words."""
    free = rng.uniform() < random_share
    while True:
        text = random_words(rng) if free else _expand(rng, "sentence", 0)
        if split_of(text) == split and len(text.split()) <= MAX_WORDS:
            return text
