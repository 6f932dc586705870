"""Word error rate and errors of times."""


def words(text):
    out = []
    for w in text.lower().replace("-", " ").split():
        w = w.strip(".,?!;:'\"")
        if w:
            out.append(w.replace(",", ""))
    return out


def distance(a, b):
    """Words to change, leave out or add between two lists."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def measure(made, heard):
    """heard: [[(start, end, text)]] for each clip. Figures as a dict."""
    wrong = total = matched = spoken = loud = 0
    errors = []
    for c, h in zip(made, heard):
        text = " ".join(t for _, _, t in h)
        if not c["segments"]:
            loud += bool(words(text))
            continue
        want = words(" ".join(t for _, _, t in c["segments"]))
        wrong += distance(want, words(text))
        total += len(want)
        spoken += 1
        if len(h) == len(c["segments"]):
            matched += 1
            for (a, b, _), (x, y, _) in zip(c["segments"], h):
                errors += [abs(a - x), abs(b - y)]
    e = errors or [99.0]
    return {
        "clips": spoken,
        "words": total,
        "wer": wrong / max(1, total),
        "same_segments": matched,
        "times_within_0.2": sum(x <= 0.2001 for x in e) / len(e),
        "time_mean": sum(e) / len(e),
        "time_max": max(e),
        "text_on_quiet": loud,
    }
