"""How sure a reading is, in one place: 0 (no idea) to 1 (the very words of the lexicon)."""

from __future__ import annotations

#: The text says it in words the lexicon knows, or in digits.
EXACT = 1.0
#: A word was misspelt or words were written as one.
GUESSED = 0.8
#: A word of doubt ("maybe") stands beside a value.
UNSURE = 0.7
#: Below this a reading is not used: the reply counts as not understood (V13), nothing is guessed.
LEAST = 0.75

#: Misspelt words are corrected from so many letters; two letters may be wrong from the second figure on.
SHORTEST_FUZZY = 5
TWICE_FUZZY = 8
#: Unknown words a value may stand among when it does not come first: beyond it the text is a story.
MOST_UNKNOWN = 6
#: Unknown words a request (stop, a call) may stand among: beyond it the text is a story.
MOST_UNKNOWN_REQUEST = 9
#: A request in a misspelt word counts in a text of so many words or fewer.
LONGEST_GUESSED_REQUEST = 6
#: From this length on a code word may be one edit away (S13).
CODE_WORD_FUZZY = 5
