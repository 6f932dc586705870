"""Names for the slots of the patterns: files, devices, numbers, quoted texts.

Every function takes a random.Random. Half of all names are made of syllables or letters without
meaning, so that the model learns to copy them and not to remember them.
"""
from phrases import word

ORDINALS = ["first", "second", "third", "fourth", "fifth"]
SYLLABLES = """ba be bo da de do fa fi ga go ha ho ja jo ka ke ki ko la le li lo ma me mi mo na ne
ni no pa pe pi po ra re ri ro sa se si so ta te ti to va ve vo wa we za zo ar el in or un al en is
ox bra cre dro fli gra klo pla stu tre qui sha cho""".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def nonsense(r):
    if r.random() < 0.6:
        return "".join(r.choice(SYLLABLES) for _ in range(r.randint(2, 4)))
    return "".join(r.choice(LETTERS) for _ in range(r.randint(2, 8)))


def stem(r):
    x = r.random()
    if x < 0.4:
        s = word("stem", r)
    elif x < 0.75:
        s = nonsense(r)
    else:
        s = word("stem", r) + r.choice("--__ ").strip()
        s += word("stem", r) if r.random() < 0.5 else nonsense(r)
    x = r.random()
    if x < 0.15:
        s += r.choice(["", "-", "_"]) + str(r.randint(0, 99))
    elif x < 0.18:
        s += "-%d-%02d-%02d" % (r.randint(2019, 2027), r.randint(1, 12), r.randint(1, 28))
    x = r.random()
    return s.capitalize() if x < 0.06 else s.upper() if x < 0.08 else s


def path(r, name):
    if r.random() > 0.08:
        return name
    folder = word("path", r)
    return folder + ("" if folder.endswith("/") else "/") + name


def model(r):
    if r.random() < 0.5:
        s = word("family", r)
        if r.random() < 0.15:
            s += r.choice(["-instruct", "-chat", "-it"])
        if r.random() < 0.35:
            s += r.choice("--.") + word("quant", r)
    else:
        s = stem(r)
        if r.random() < 0.2:
            s += "-" + word("quant", r)
    return path(r, s + (".gguf" if r.random() < 0.97 else ".GGUF"))


def speech_model(r):
    x = r.random()
    s = word("speech", r) if x < 0.65 else "ggml-" + nonsense(r) if x < 0.8 else stem(r)
    if r.random() < 0.15:
        s += "-" + r.choice(["q5_0", "q5_1", "q8_0", "f16"])
    x = r.random()
    return path(r, s + (".bin" if x < 0.85 or "whisper" not in s else r.choice([".gguf", ""])))


def audio(r):
    return path(r, stem(r) + "." + word("audio_ending", r))


def text_file(r):
    return path(r, stem(r) + "." + word("text_ending", r))


def folder(r):
    return (word("folder", r) if r.random() < 0.5 else stem(r)) + r.choice([""] * 9 + ["/"])


def device(r):
    """-> (how the question says it, the command's value: a number, or a name, quoted if need be)"""
    x = r.random()
    what = r.choice(["gpu", "gpu", "device", "card", "graphics card"])
    if x < 0.36:
        n = r.choice([0, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7])
        if x < 0.04:
            return r.choice(["number", "index", "device index", "no."]) + " %d" % n, str(n)
        form = r.choice(["%s %d", "%s %d", "%s number %d", "%s #%d", "%s no. %d",
                         "%s with index %d", "the %s number %d", "%s with number %d"])
        return form % (what, n), str(n)
    if x < 0.58:
        k = r.choice([0, 1, 1, 1, 2, 2, 3, 4])
        return "%s %s %s" % (r.choice(["the", "the", "my"]), ORDINALS[k], what), str(k)
    if x < 0.9:
        s = word("gpu_name", r)
        if r.random() < 0.1:
            s = r.choice(["AMD ", "NVIDIA ", "Intel ", "Nvidia "]) + s
    else:
        s = "%s %d" % (nonsense(r).capitalize(), r.randint(100, 9999))
        if r.random() < 0.3:
            s += r.choice([" XT", " Pro", " Ti", " X"])
    if r.random() < 0.35:
        s = s.lower()
    before = r.choice(["the ", "the ", "my ", "my ", "", "an "])
    return before + s, '"%s"' % s if " " in s else s


NUMBERS = {
    "temp": ["0.05", "0.75", "1", "2", "0.25", "0.35", "1.25"],
    "top_k": [5, 10, 20, 30, 40, 50, 64, 80, 100, 200],
    "top_p": ["0.9", "0.95", "0.8", "0.7", "0.5", "0.85", "0.99"],
    "min_p": ["0.05", "0.1", "0.02", "0.01", "0.2"],
    "seed": [0, 1, 2, 3, 7, 42, 99, 123, 1234, 1337],
    "context": [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 1000, 2000, 4000, 8000],
    "length": [1, 10, 16, 20, 25, 50, 64, 100, 128, 200, 256, 300, 500, 512, 1000],
    "repeat": ["1.1", "1.2", "1.3", "1.15", "1.05", "1.5"],
    "batch": [2, 4, 8, 16, 16, 24, 32, 64],
    "beam": [2, 3, 4, 5, 5, 6, 8, 10],
    "port": [80, 3000, 5000, 8000, 8080, 8081, 8888, 9000, 9090, 11434, 1234, 7860],
}
# What else it may be: lowest, highest, digits after the point, and how often.
RANGES = {
    "temp": (0.1, 2, 1, 0.85), "top_k": (1, 300, 0, 0.2), "top_p": (0.1, 0.99, 2, 0.2),
    "min_p": (0.01, 0.4, 2, 0.2), "seed": (0, 99999, 0, 0.25), "context": (100, 40000, 0, 0.15),
    "length": (1, 3000, 0, 0.2), "repeat": (1, 2, 2, 0.2), "batch": (2, 64, 0, 0.15),
    "beam": (2, 12, 0, 0.1), "port": (1024, 65535, 0, 0.25),
}


def number(r, kind):
    """A number as one would give it to that option, as text."""
    low, high, digits, often = RANGES[kind]
    if r.random() > often:
        return str(r.choice(NUMBERS[kind]))
    return "%.*f" % (digits, r.uniform(low, high))


def prompt(r):
    if r.random() < 0.15:
        return r.choice(["hello", "hi", "hello world", "once upon a time", "why is the sky blue",
                         "what is love", "the answer is", "tell me a joke", "write a poem"])
    s = " ".join(word("prompt_word", r) if r.random() < 0.85 else nonsense(r)
                 for _ in range(r.randint(1, 6)))
    if r.random() < 0.2:
        s = s.capitalize()
    return s + (r.choice("?.!") if r.random() < 0.2 else "")


def stop_word(r):
    if r.random() < 0.3:
        return r.choice([str.lower, str.upper])(nonsense(r))
    return r.choice(["END", "end", "STOP", "###", "User:", "Human:", "Q:", "\\n", "</s>", "---",
                     ".", "the end", "done", "***", "==", "Assistant:", "[END]", "EOF", ">>>",
                     "amen"])
