"""Reads phrases.txt: patterns of text with {a|b} alternatives become trees to expand at random."""
import os


def parse(text):
    """'a {b|c}' -> a list of strings and of tuples of alternatives, each again such a list."""

    def sequence(i, inside):
        out, start = [], i
        while i < len(text) and not (inside and text[i] in "|}"):
            if text[i] == "{":
                out.append(text[start:i])
                options, i = [], i + 1
                while True:
                    part, i = sequence(i, True)
                    options.append(part)
                    i += 1
                    if text[i - 1] == "}":
                        break
                out.append(tuple(options))
                start = i
            else:
                i += 1
        out.append(text[start:i])
        return out, i

    return sequence(0, False)[0]


def expand(tree, r):
    """One text that the pattern can become."""
    return "".join(p if isinstance(p, str) else expand(r.choice(p), r) for p in tree)


def every(tree):
    """All texts that the pattern can become."""
    if not tree:
        return [""]
    heads = [tree[0]] if isinstance(tree[0], str) else [t for o in tree[0] for t in every(o)]
    return [h + t for h in heads for t in every(tree[1:])]


def read(path):
    """-> {section: {key: [tree]}}, and plain text for commands and answers"""
    table = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("["):
                keys = table.setdefault(line[1:-1], {})
            elif line and not line.startswith("#"):
                key, text = line.split(": ", 1)
                said = key.startswith(("command", "answer"))
                keys.setdefault(key, []).append(text if said else parse(text))
    return table


INTENTS = read(os.path.join(os.path.dirname(os.path.abspath(__file__)), "phrases.txt"))
WRAP = INTENTS.pop("wrap")
WORDS = {k: v[0] for k, v in INTENTS.pop("words").items()}
LANGUAGES = {k: v[0] for k, v in INTENTS.pop("language names").items()}
FORMATS = {k: v[0] for k, v in INTENTS.pop("format names").items()}
# verb -> option -> how a further wish for it is said
MORE = {
    k.split()[1]: {o: p[0] for o, p in INTENTS.pop(k).items()}
    for k in [k for k in INTENTS if k.startswith("more ")]
}


def word(key, r):
    return expand(WORDS[key], r)
