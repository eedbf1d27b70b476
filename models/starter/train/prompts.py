"""Prompts: the space's neutral sentences and the rules that calibration and evaluation compile."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from moderator.encoders.background import NEUTRAL


@dataclass(frozen=True)
class Rule:
    """Sentences that violate, and sentences near to them that are allowed."""

    violates: tuple[str, ...]
    allows: tuple[str, ...] = field(default=())

    def direction(self, embed: dict[str, np.ndarray]) -> np.ndarray:
        """mean(violates) - mean(allows and neutral), unit -> (dim,) float32."""
        bad = np.mean([embed[t] for t in self.violates], axis=0)
        good = np.mean([embed[t] for t in (*self.allows, *NEUTRAL)], axis=0)
        w = bad - good
        return (w / np.linalg.norm(w)).astype(np.float32)


# Sentences in the voice of the post serve far better than descriptions of such posts: hatecheck AUROC
# of the teacher 0.73 against 0.59, "violence" AP 0.46 against 0.27 (chosen on the dev halves).
HATE = Rule(
    (
        "I hate all Muslims, they are disgusting.",
        "Women are stupid and worthless.",
        "Black people are scum.",
        "Gay people should not exist.",
        "Immigrants are vermin and should be driven out.",
        "Trans people are sick freaks.",
        "Disabled people are a burden to everyone.",
        "We should kill all of them.",
    ),
    (
        "A post that supports and welcomes people of every background.",
        "A discussion of religion, culture or identity without insults.",
        "Nobody should hate people because of their religion.",
        "I love my gay friends.",
    ),
)
OFFENSIVE = Rule(
    (
        "A rude and offensive comment that insults someone.",
        "Someone swears at another person and calls them names.",
        "A toxic comment: you are a stupid idiot.",
        "A vulgar, abusive tweet full of profanity.",
        "A message that attacks and humiliates a person.",
    ),
    ("A polite and respectful reply.", "A comment that disagrees calmly."),
)
SEXIST = Rule(
    (
        "A sexist post that demeans women.",
        "A comment saying that women are stupid, weak or only good for sex.",
        "A misogynist insult against a woman.",
        "Feminists and women should be put in their place.",
    ),
    ("A respectful post about women.", "A discussion of relationships and equality."),
)
THREAT_WOMEN = Rule(
    (
        "A post that threatens or wishes violence against women.",
        "She deserves to be beaten, raped or killed.",
        "I want to hurt that woman.",
    ),
    ("A report about help for victims of violence.",),
)
SEXUAL = Rule(
    (
        "A sexually explicit story.",
        "A description of sexual acts between adults.",
        "Erotic content meant to arouse the reader.",
        "A message about having sex, naked bodies and pornography.",
        "I want you naked in my bed tonight.",
        "He kissed her breasts, and they made love until the morning.",
        "Watch horny girls on webcam, adults only.",
    ),
    (
        "A post about romance or dating.",
        "Medical or educational information about health.",
        "Two people fall in love and marry.",
        "A talk about sex education, pregnancy or the law.",
        "A calm scene from everyday life in a novel.",
    ),
)
VIOLENCE = Rule(
    (
        "I will kill you.",
        "We should bomb them all.",
        "He stabbed the man and shot the others.",
        "They deserve to be beaten to death.",
        "Let's attack and murder our enemies.",
        "A post that promotes or glorifies violence.",
    ),
    ("A peaceful conversation.", "A post about sports or a game."),
)
HARASSMENT = Rule(
    (
        "You are a disgusting idiot and everyone hates you.",
        "Shut up, you worthless loser.",
        "I know where you live and I will hurt you.",
        "You are so ugly and stupid, nobody wants you.",
        "A message that bullies, humiliates or harasses a person.",
        "Someone insults another person and tells them that they are worthless.",
        "An abusive message that threatens someone.",
        "Nobody wants you here, go away and never come back.",
        "We will make your life hell until you quit.",
        "The whole school laughs at how fat you are.",
        "She is a stupid bitch and deserves all of this.",
    ),
    (
        "A compliment to a person.",
        "A calm disagreement.",
        "Thank you for your help, you are great.",
        "I see this differently, and here is why.",
        "A critical review of a film or a product.",
    ),
)
SELF_HARM = Rule(
    (
        "I want to kill myself.",
        "I don't want to live anymore.",
        "I cut myself last night.",
        "I am starving myself to get thin.",
        "A person says that they want to kill themselves.",
        "A post about suicide and ending one's own life.",
        "Someone describes cutting or hurting themselves.",
        "Advice on methods of suicide, self-harm or starving oneself.",
        "I have nothing left to live for, and tonight it ends.",
        "I hate my body and I throw up after every meal.",
        "My arms are full of cuts, and I hide them from my parents.",
        "She left a farewell letter and stepped off the bridge.",
        "You should kill yourself, nobody would miss you.",
    ),
    (
        "Someone is happy with their life.",
        "A post about exercise and healthy habits.",
        "I feel better since I have been seeing a therapist.",
        "A report about somebody who died of an illness.",
        "A calm scene from everyday life in a novel.",
        "News about politics, business or science.",
        "A question about cooking, travel or computers.",
    ),
)
HATE_THREAT = Rule(
    (
        "All of those people should be killed because of their race or religion.",
        "We must exterminate the Jews.",
        "Kill all Muslims before they kill us.",
        "Immigrants should be shot at the border.",
        "Someone should burn down their mosque.",
    ),
    (
        "A discussion of religion, culture or identity without insults.",
        "Nobody should hate people because of their religion.",
    ),
)
GORE = Rule(
    (
        "A text that describes death, blood and injuries in graphic detail.",
        "A gruesome description of torture and mutilation.",
        "Someone's body is torn apart, blood is everywhere.",
        "A detailed account of a brutal murder.",
        "Blood poured from his throat as he fell to the ground.",
        "They cut off his fingers one after the other while he screamed.",
        "The bomb tore off her legs, and she bled to death in the street.",
        "The bodies lay in heaps, burned and without heads.",
    ),
    (
        "A story without any violence.",
        "Medical information about treatment.",
        "He was shot, and nobody knows by whom.",
        "A news report about a war or a crime.",
        "A calm scene from everyday life in a novel.",
        "News about politics, business or science.",
        "A question about cooking, travel or computers.",
    ),
)
UNSAFE_REQUEST = Rule(
    (
        "A request for instructions to kill or harm a person.",
        "How do I make a bomb, a weapon or illegal drugs?",
        "Someone asks for help with committing a crime such as theft, fraud or hacking accounts.",
        "Write hateful lies about a group of people.",
        "How can I stalk, abuse or harass somebody without being caught?",
    ),
    (
        "A harmless question about computers, games or cooking.",
        "A question about history, definitions or fiction.",
    ),
)
SCAM = Rule(
    (
        "A crypto scam that promises guaranteed profits.",
        "Send cryptocurrency and receive double back in this giveaway.",
        "Contact this expert to recover your stolen funds or hacked account.",
        "Connect your wallet and claim your free airdrop tokens now.",
        "Message me to invest and earn thousands of dollars every week.",
    ),
    (
        "A discussion of technology, markets or software.",
        "News about cryptocurrency prices.",
    ),
)
SMISHING = Rule(
    (
        "Your account has been suspended, click the link to verify your details.",
        "Your parcel could not be delivered, pay a fee at this link.",
        "You have won a prize, call this number to claim it.",
        "A fake message from a bank that asks for a password or PIN.",
        "Urgent: update your payment information now.",
    ),
    (
        "A personal text message between friends.",
        "A notice of a payment, an order or a one-time code from a company.",
    ),
)
HARMFUL_MEME = Rule(
    (
        "A meme that mocks and insults a politician or a public figure.",
        "A meme that ridicules a group of people or a country.",
        "A harmful joke about the virus, Trump, Biden or China.",
        "A meme that spreads false claims and blames someone.",
    ),
    (
        "A funny everyday meme that harms nobody.",
        "A meme about working from home, washing hands or toilet paper.",
    ),
)

OPENAI_RULES = {
    "S": SEXUAL, "H": HATE, "V": VIOLENCE, "HR": HARASSMENT, "SH": SELF_HARM, "H2": HATE_THREAT, "V2": GORE,
}  # fmt: skip

WEAPONS_IMAGE = Rule(
    (
        "a photo of a gun",
        "a photo of a pistol, a revolver or a handgun",
        "a photo of a rifle",
        "a photo of a sword, a dagger or a knife",
        "a photo of a hand grenade or a bomb",
        "a weapon",
        "a photo of a cannon or a missile",
        "an axe used as a weapon",
        "a bow and arrow",
        "a soldier's machine gun",
        "an explosive",
        "ammunition and bullets",
    ),
    (
        "a photo of a tool",
        "a photo of a wrench or a drill",
        "a photo of an electronic device",
        "a photo of sunglasses, a wallet or keys",
        "a photo of a pen or a ruler",
        "a plastic toy for children",
        "a photo of a bottle or a cup",
        "kitchen utensils",
        "an umbrella",
        "a phone or a laptop",
        "a hammer, a saw or pliers",
        "sports equipment",
        "a musical instrument",
    ),
)
SMOKING_IMAGE = Rule(
    (
        "a person smoking a cigarette",
        "a cigarette in someone's mouth",
        "a man smoking and blowing smoke",
        "smoke of a cigarette",
        "a hand holding a burning cigarette",
        "a woman smoking a cigarette",
        "a woman holding a cigarette",
    ),
    (
        "a person drinking from a bottle",
        "a person talking on a phone",
        "a person coughing into their hand",
        "a smiling person",
        "a person thinking",
        "a person using an inhaler",
    ),
)
FIRE_IMAGE = Rule(
    ("a building on fire", "flames and smoke", "a burning fire", "an erupting volcano with flames"),
    ("a photo of a landscape", "a photo of a street", "a photo of a forest and water"),
)
SCREENSHOT_IMAGE = Rule(
    (
        "a screenshot of a text message on a phone",
        "an image full of text",
        "a screenshot of a website",
        "a white page with text",
    ),
    ("a photo of an object", "a photo of a person"),
)
PLATE_IMAGE = Rule(
    (
        "a photo of a car",
        "the back of a car with a licence plate",
        "a car seen from behind",
        "a parked car on a street",
    ),
    ("a photo of a person", "a photo of an object"),
)
RECEIPT_IMAGE = Rule(
    (
        "a printed receipt",
        "a paper document with text",
        "a sheet of paper with printed text",
        "a page of a book",
    ),
    ("a photo of an object", "a photo of a person", "a photo of a landscape"),
)
MEME_IMAGE = Rule(
    (
        "a picture of a politician giving a speech",
        "a man in a suit and tie",
        "a portrait of a president",
        "a politician at a press conference",
    ),
    ("a photo of an animal", "a photo of a child", "a scene of a film", "a person at home", "a supermarket"),
)

# (source, label) of the training texts -> the rule that calibration scores it with.
CALIBRATION_RULES = {
    ("davidson", "hate"): HATE, ("davidson", "offensive"): OFFENSIVE, ("edos", "sexist"): SEXIST,
    ("edos", "threat"): THREAT_WOMEN, ("olid", "offensive"): OFFENSIVE, ("jigsaw", "toxic"): OFFENSIVE,
    ("surge", "toxic"): OFFENSIVE, ("hatemoji_build", "hate"): HATE, ("ethos", "hate"): HATE,
    ("stormfront", "hate"): HATE,
}  # fmt: skip
