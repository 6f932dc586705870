"""Typing errors, fillers, case and punctuation: how people really write."""
import re

from phrases import WRAP, expand
from slots import nonsense

# The neighbours of each key.
KEYS = {"a": "qsz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht",
        "h": "gju", "i": "uok", "j": "hku", "k": "jli", "l": "ko", "m": "nj", "n": "bmh",
        "o": "ipl", "p": "ol", "q": "wa", "r": "etf", "s": "adw", "t": "ryg", "u": "yij",
        "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xas"}
SMALL = {"the", "a", "an", "my", "to", "i", "I", "of", "is", "do", "me", "it"}


def typo(r, w):
    i = r.randrange(len(w))
    x = r.random()
    if x < 0.3 and i + 1 < len(w):
        return w[:i] + w[i + 1] + w[i] + w[i + 2:]
    if x < 0.55:
        return w[:i] + w[i + 1:]
    if x < 0.75:
        return w[:i] + w[i] + w[i:]
    return w[:i] + r.choice(KEYS.get(w[i].lower(), "e")) + w[i + 1:]


def noise(r, text, strength=1.0):
    """Typing errors, left-out and added words; words that hold a slot stay as they are."""
    words = text.split(" ")
    if r.random() < 0.3 * strength:
        for _ in range(r.choice([1, 1, 1, 2])):
            i = r.randrange(len(words))
            if len(words[i]) > 3 and "<" not in words[i]:
                words[i] = typo(r, words[i])
    if r.random() < 0.12 * strength:
        words = [w for w in words if w not in SMALL or r.random() < 0.5]
    if r.random() < 0.08 * strength and len(words) > 2:
        words.insert(r.randrange(1, len(words)), expand(WRAP["between"][0], r))
    if r.random() < 0.05 * strength and len(words) > 4:
        # a word that the model cannot know: the rest must be enough
        i = r.randrange(len(words))
        if "<" not in words[i]:
            words[i] = nonsense(r)
    return " ".join(w for w in words if w)


def case(r, text, asks):
    """Case, and the mark at the end; slots are still unfilled, so names keep their case."""
    x = r.random()
    if x < 0.42:
        text = text[:1].upper() + text[1:]
    elif x < 0.75:
        text = text.lower()
    elif x < 0.77:
        text = re.sub(r"[^<>]+(?=<|$)", lambda m: m.group(0).upper(), text)
    if text.endswith(("!", "?", ".", ":")) or text.endswith(">") and r.random() < 0.3:
        return text
    x = r.random()
    if asks:
        return text + ("?" if x < 0.6 else "" if x < 0.93 else " ?" if x < 0.97 else "??")
    return text + ("." if x < 0.25 else "!" if x < 0.28 else "?" if x < 0.36 else "")
