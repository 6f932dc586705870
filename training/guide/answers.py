"""The commands, and the sentences round them, that phrases.txt gives as answers."""
import re

from phrases import INTENTS

# What stands in a command for that which the question leaves open.
OPEN = {"m": "MODEL", "w": "MODEL", "a": "AUDIO", "t": "TEXT"}
# The order in which options stand in a command.
OPTIONS = """-p -f --tokens --logits --perplexity --special --decode --language --task
--detect-language --output-format --output-dir --word-timestamps --initial-prompt --beam-size
--batch --port -c -n --temp --top-k --top-p --min-p --seed --repeat-penalty --stop --thorough --json
--stats --device""".split()


class Command:
    """`tawny VERB ARGUMENTS OPTIONS`, its parts kept apart so that options can be added to it."""

    def __init__(self, template, value):
        """Fills `tawny run <m> --seed <n=42>` from {slot: value}."""
        def fill(m):
            slot, _, default = m.group(1).partition("=")
            x = value.get(slot, default or OPEN.get(slot))
            return " ".join(x) if isinstance(x, list) else x

        words = template.split()[1:]
        self.verb, self.args, self.options = words[0], [], {}
        option = None
        for w in words[1:]:
            text = re.sub("<([a-z]=?[^>]*)>", fill, w)
            if w.startswith("-") and w != "-":
                option = w
                self.options[option] = None
            elif option:
                self.options[option] = text
            else:
                self.args.append(text)

    def set(self, option, value):
        self.options[option] = value

    def text(self):
        words = ["tawny", self.verb] + self.args
        for option in sorted(self.options, key=OPTIONS.index):
            words.append(option)
            if self.options[option] is not None:
                words.append(self.options[option])
        return " ".join(words)


def command(intent, value):
    """The command for an intent and the values of its slots; None for those without one."""
    template = INTENTS[intent].get("command")
    return Command(template[0], value) if template else None


def sentence(r, intent, cmd, value):
    """One of the intent's answers, with the command in it."""
    key = "answer %s" % value["c"] if "c" in value else "answer"
    text = r.choice(INTENTS[intent][key])
    return text.replace("<command>", "`%s`" % cmd.text()) if cmd else text
