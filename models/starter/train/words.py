"""What the written sentences are filled with: who is spoken of, what is done to them, and the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

WORDS: dict[str, tuple[str, ...]] = {
    "groups": (
        "Muslims", "Jews", "Christians", "Hindus", "Sikhs", "Catholics", "atheists", "Buddhists", "women",
        "gay people", "gays", "lesbians", "trans people", "transgender people", "bisexual people", "queer people",
        "black people", "blacks", "white people", "Asians", "Asian people", "Latinos", "Mexicans", "Arabs",
        "Indians", "Africans", "Roma", "Chinese people", "Turks", "Poles", "Somalis", "Pakistanis", "Syrians",
        "immigrants", "migrants", "refugees", "asylum seekers", "foreigners", "disabled people", "the disabled",
        "people in wheelchairs", "autistic people", "deaf people", "blind people", "old people", "native people",
        "people with Down syndrome", "Nigerians", "Haitians", "Romanians", "Israelis", "Palestinians",
    ),
    "member": (
        "a Muslim", "a Jew", "a Christian", "a Hindu", "a Sikh", "a woman", "a gay man", "a lesbian",
        "a trans woman", "a trans person", "a bisexual guy", "a black man", "a black woman", "a white guy",
        "an Asian", "a Latina", "a Mexican", "an Arab", "an Indian", "an African", "a Chinese guy", "a Turk",
        "an immigrant", "a migrant", "a refugee", "an asylum seeker", "a foreigner", "a disabled person",
        "a man in a wheelchair", "an autistic man", "a deaf woman", "a Somali", "a Pakistani", "a Syrian",
    ),
    "others": (  # criticised without touching what people are
        "landlords", "referees", "bankers", "managers", "politicians", "hipsters", "influencers", "telemarketers",
        "estate agents", "lobbyists", "cyclists", "smokers", "lawyers", "journalists", "football fans", "gamers",
        "film critics", "tourists", "vegans", "liberals", "conservatives", "economists", "millionaires", "bloggers",
    ),
    "things": (
        "mosquitoes", "wasps", "parking tickets", "pop-up ads", "potholes", "spreadsheets", "Mondays", "printers",
        "traffic jams", "cold coffee", "these shoes", "video calls", "zombie films", "broken lifts", "sweet pickles",
        "microplastics", "weeds in my garden", "passwords", "early trains", "slow computers", "wet socks", "onions",
    ),
    "vile": (
        "filth", "parasites", "trash", "pigs", "savages", "monsters", "a disease", "a plague", "garbage", "dogs",
        "cockroaches", "subhuman", "worthless", "a cancer", "disgusting", "degenerates", "rotten", "evil",
    ),
    "lesser": (
        "lazy", "dishonest", "thieves", "liars", "dumb", "dirty", "perverts", "greedy", "violent by nature", "crazy",
        "inferior", "useless", "abnormal", "rapists", "terrorists", "parasites of the state", "hysterical", "weak",
    ),
    "insult": (
        "moron", "dumbass", "piece of shit", "clown", "coward", "liar", "asshole", "pig", "fool", "imbecile",
        "failure", "bitch", "bastard", "waste of space", "joke", "creep", "jerk", "scumbag", "dickhead", "rat",
    ),
    "mean": (
        "dumb", "hideous", "fat", "useless", "disgusting", "pathetic", "brainless", "repulsive", "talentless",
        "cowardly", "fake", "boring and ugly", "an embarrassment", "a complete failure", "a waste of air",
    ),
    "harm": (
        "kill", "murder", "shoot", "stab", "beat up", "strangle", "slap", "burn", "hang", "run over", "poison",
        "smash", "beat to a pulp", "cut", "choke", "attack",
    ),
    "harmed": (
        "killed", "murdered", "shot", "stabbed", "beaten", "strangled", "burned alive", "hanged", "tortured",
        "executed", "wiped out", "lynched", "blown up", "poisoned", "put against a wall",
    ),
    "someone": (
        "you", "him", "her", "them", "that guy", "this woman", "my neighbour", "the teacher", "the mayor",
        "your brother", "your family", "my ex", "the boss", "that reporter", "the manager",
    ),
    "person": (
        "the man", "the old man", "the prisoner", "the guard", "his brother", "the stranger", "the soldier",
        "the woman", "her husband", "the driver", "the enemy", "his rival", "the intruder", "the hostage",
    ),
    "weapon": ("a knife", "a gun", "an axe", "a rifle", "a hammer", "a machete", "a pistol", "a sword", "a club"),
    "he": ("he", "she", "the killer", "the captain", "the stranger", "my brother", "the gang", "the rebel", "I"),
    "place": (
        "in the alley", "at the station", "in the cellar", "on the bridge", "behind the bar", "in the forest",
        "at home", "in the car park", "by the river", "in the corridor", "on the sofa", "in the hotel room",
    ),
    "when": ("last night", "tonight", "yesterday", "this morning", "on Sunday", "for weeks", "again", "years ago"),
    "means": ("pills", "a rope", "a razor", "a bridge", "the train tracks", "a blade", "an overdose"),
    "feeling": (
        "empty", "numb", "worthless", "broken", "hopeless", "trapped", "like a burden", "so alone", "tired of it all",
    ),
    "coin": ("BTC", "bitcoin", "ETH", "ethereum", "USDT", "SOL", "doge", "XRP", "crypto", "tokens", "NFTs"),
    "sum": ("$500", "$1,000", "5 ETH", "0.5 BTC", "£250", "10,000 dollars", "€2,000", "$50k", "1000 USDT", "3 SOL"),
    "account": ("Instagram", "Facebook", "Snapchat", "wallet", "Gmail", "Twitter", "Coinbase", "MetaMask", "bank"),
    "handle": ("@quick_fix01", "@wallet_support", "@tradewithana", "@recover_pro", "@cryptoguru7", "@helpdesk_24"),
    "company": ("PayPal", "Netflix", "Amazon", "DHL", "the post office", "your bank", "the tax office", "Apple"),
    "drug": ("cocaine", "weed", "pills", "heroin", "ecstasy", "speed", "meth", "ketamine"),
    "lover": ("my girlfriend", "my boyfriend", "my wife", "her husband", "a stranger", "his boss", "the waitress"),
    "everyday": (
        "bread", "tomatoes", "a bicycle", "the bus", "my garden", "our dog", "a cake", "the printer", "the weather",
        "a guitar", "the kitchen", "some tea", "a train", "a sweater", "the report", "our holiday", "the library",
    ),
    "name": ("Anna", "Peter", "Sam", "Maria", "Yusuf", "Li", "Karen", "David", "Priya", "Tom", "Fatima", "Jake"),
}  # fmt: skip
SLOT = re.compile(r"\{(\w+)\}")


def fill(template: str, rng: random.Random) -> str:
    """Every slot with a word of its own; the first letter raised."""
    text = SLOT.sub(lambda slot: rng.choice(WORDS[slot.group(1)]), template)
    return text[:1].upper() + text[1:]
