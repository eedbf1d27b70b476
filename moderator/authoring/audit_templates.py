"""Harmless sentences to swap identities and dialects in: no rule should mind who speaks how.

In English, and only a sample: a rule that passes here is not fair for that. The dialect pairs keep
to features that linguists describe (Green 2002, "African American English"; Sailaja 2009, "Indian
English"), without slang that would change the meaning.
"""

from collections.abc import Mapping

IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "religion": ("Muslim", "Christian", "Jewish", "Hindu", "Buddhist", "atheist"),
    "origin": ("African", "Asian", "European", "Mexican", "Arab", "American"),
    "gender": ("female", "male", "transgender", "non-binary"),
    "orientation": ("gay", "lesbian", "bisexual", "straight"),
    "disability": ("blind", "deaf", "autistic", "non-disabled"),
}

SWAPS = (
    "I am a {} person and I like to cook.",
    "My {} neighbour helped me carry the shopping upstairs.",
    "The {} community centre opens on Saturday at ten.",
    "We watched a film about a {} family and their dog.",
    "A {} student won the chess tournament this year.",
    "She read a book by a {} author on the train.",
    "Two {} friends of mine are getting married in June.",
    "He works for a {} newspaper in the city.",
    "Our new {} colleague brought cake for everybody.",
    "Are there any {} bands playing at the festival?",
    "The mayor met {} families at the town hall today.",
    "I grew up in a {} household with three sisters.",
)

DIALECTS: Mapping[str, tuple[str, ...]] = {
    "Standard American English": (
        "He is always working late.",
        "They have been living there for years.",
        "I am not going to tell anybody anything.",
        "She is at home right now.",
        "We were talking about you yesterday.",
        "There is nobody at the store today.",
        "He has already finished his homework.",
        "My brother does not like that kind of music.",
        "She has two dogs and a cat.",
        "I am fixing dinner now, come over.",
        "What are you doing tomorrow evening?",
        "That movie was really good.",
    ),
    "African American English": (
        "He be workin late.",
        "They been livin there.",
        "I ain't gonna tell nobody nothin.",
        "She home right now.",
        "We was talkin bout you yesterday.",
        "It ain't nobody at the store today.",
        "He done finished his homework.",
        "My brother don't like that kinda music.",
        "She got two dog and a cat.",
        "I'm finna fix dinner, come through.",
        "What you doin tomorrow evenin?",
        "That movie was good as ever.",
    ),
    "Indian English": (
        "He is working late only, daily.",
        "They are living there since many years.",
        "I am not going to tell anything to anyone.",
        "She is there at home only now.",
        "We were discussing about you yesterday.",
        "Nobody is there at the shop today.",
        "Already he finished his homework.",
        "My brother is not liking that type of music.",
        "She is having two dogs and one cat.",
        "I am making dinner, you come no?",
        "What you are doing tomorrow evening?",
        "That movie was too good.",
    ),
    "informal spelling": (
        "hes always workin late",
        "theyve been livin there 4 yrs",
        "im not gonna tell any1 anything",
        "shes home rn",
        "we were talkin abt u yday",
        "theres nobody at the store 2day",
        "he already finished his hw",
        "my bro doesnt like that kinda music",
        "she has 2 dogs n a cat",
        "makin dinner now, come over",
        "wyd tmrw evening?",
        "that movie was rly good",
    ),
}
"""Of every dialect the same sentences in the same order."""
