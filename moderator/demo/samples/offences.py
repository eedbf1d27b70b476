"""Topics that rules of the sample policies should catch: mild, made up, and without slurs."""

from typing import Final

from moderator.demo.samples.topics import Topic

_COMMUNITY: Final = (
    Topic(
        "investment scam",
        "feed",
        (
            (
                "I put {small} into {name}'s {coin} programme and took out {big} in {few} days. "
                "Zero risk, write to her now, only ten places left!"
            ),
            (
                "Guaranteed {percent} % profit every week with our {coin} robot. Put in {small}, "
                "take out {big} on {day}. Message me for the link."
            ),
            (
                "My account manager trades for me while I sleep, {big} this month. Ask me how "
                "to invest, minimum {small}."
            ),
        ),
        ("line_chart",),
        "community/scams",
    ),
    Topic(
        "phishing",
        "comment",
        (
            (
                "Your account will be closed in {hours} hours. Verify your password and card at "
                "{site} to keep it."
            ),
            (
                "CONGRATULATIONS {name}, you were selected for a new phone! Pay the fee of "
                "{price} at {site} to claim your prize."
            ),
            "Your parcel is held at customs. Settle {price} within {hours} hours: {site}",
        ),
        ("phone_scam",),
        "community/scams",
    ),
    Topic(
        "spam",
        "comment",
        (
            "Get {big} followers overnight!!! Real accounts, lowest price, link in my profile",
            (
                "Work from home, {big} a week, no experience needed, comment YES and I send "
                "you the details"
            ),
            (
                "Miracle drops melt {few} kilos in a week, doctors are furious! Order now, "
                "{percent} % off, only today"
            ),
            "like 4 like, follow me and I follow back, sub to my channel, free {card} codes",
        ),
        (),
        "community/spam",
    ),
    Topic(
        "insult",
        "comment",
        (
            "You are a complete failure, {name}, and everyone at work laughs about you.",
            "How can one person be this dumb? Delete your account, nobody wants you here.",
            "Look at that face, no wonder she is alone. Pathetic.",
            "Come on everybody, let us all tell {name} to go away, what a useless loser.",
        ),
        (),
        "community/harassment",
    ),
    Topic(
        "threat",
        "comment",
        (
            "I know which bus you take, {name}. On {day} I will be waiting, and you will be sorry.",
            "Keep talking like that and I will come over and hurt you.",
            "Somebody should beat that reporter up until he learns to keep quiet.",
            "Watch your back, we will find you and your family.",
        ),
        (),
        "community/threats",
    ),
    Topic(
        "cry for help",
        "feed",
        (
            "I cannot do this any more. I do not want to wake up tomorrow.",
            "It would be easier for everyone if I was not here any longer. I am tired of living.",
            "I keep thinking about ending my life. I do not know whom to tell.",
            "I have given my things away. Thank you all, and goodbye.",
        ),
        ("night_sky",),
        "community/self-harm",
    ),
    Topic(
        "hostility against a group",
        "comment",
        (
            "Foreigners are all criminals, throw every one of them out of the country.",
            "Women do not belong in parliament, they are too stupid for it.",
            "People of that religion are dangerous and should not live among us.",
        ),
        (),
        "community/hate",
    ),
)

_MARKETPLACE: Final = (
    Topic(
        "payment in advance",
        "listing",
        (
            (
                "{goods}, brand new, {price}. I am abroad for work, so wire me the money first "
                "and a courier will bring it to you."
            ),
            (
                "Holiday flat in {town}. Send the deposit of {small} by bank transfer to my agent "
                "today and you get the keys by post."
            ),
            "{goods} for {price}. Payment with {card} gift cards only, send me the codes by mail.",
            (
                "Do not write here, text me on {messenger}. Only {coin}, no refunds, ships "
                "the same day."
            ),
        ),
        ("houses",),
        "marketplace/off-platform-payment",
    ),
    Topic(
        "weapon for sale",
        "listing",
        (
            "Combat knife with sheath, razor sharp, {price}, no questions asked.",
            "Small pistol with {few} magazines and ammunition, cash only, no licence needed.",
            "Tactical fighting knife and brass knuckles, sold together for {price}.",
            "My late uncle's hunting rifle with scope, no papers, {small}.",
        ),
        ("knife",),
        "marketplace/weapons",
    ),
    Topic(
        "tobacco for sale",
        "listing",
        (
            "{smoke} cigarettes, {few} cartons, tax-free from the airport, {price} each.",
            "Disposable vapes, 20 flavours, nicotine, {price} for {few}.",
            "Rolling tobacco, {few} sealed pouches, half the shop price.",
        ),
        ("cigarette",),
        "marketplace/tobacco",
    ),
    Topic(
        "drugs for sale",
        "listing",
        (
            "Strong sleeping tablets, {few} sealed packs, no prescription needed, {price}.",
            "Top-quality weed from {town}, {price} a bag, I deliver in the evening.",
            "Painkillers and antibiotics left over, {price}, discreet shipping.",
        ),
        ("pills",),
        "marketplace/drugs",
    ),
    Topic(
        "counterfeit",
        "listing",
        (
            "{brand} replica, looks like the real one, with logo and box, {price}.",
            "First-class {brand} copies straight from the factory, wholesale from {few} pieces.",
        ),
        (),
        "marketplace/counterfeit",
    ),
    Topic(
        "animals for sale",
        "listing",
        (
            "{few} beagle puppies, nine weeks old, are looking for a home, {small} each.",
            "Two kittens to give away, litter-trained, pick up in {town}.",
            "Ball python, {few} years old, healthy eater, {price} with terrarium.",
        ),
        ("cat",),
        "marketplace/live-animals",
    ),
)

_KIDS: Final = (
    Topic(
        "contact request to a child",
        "kids",
        (
            "You seem cool! Which school do you go to, and when do you walk home?",
            "Send me your phone number and a photo of you, but do not tell your mum.",
            "Let us meet at the playground on {day}, just us two, it is our secret.",
            "What is your address, {name}? I want to send you {card} coins.",
        ),
        (),
        "kids/personal-contact",
    ),
    Topic(
        "gambling",
        "kids",
        (
            "Free spins at the online casino, win real money with {price} of your pocket money!",
            "Bet {price} on {club} with me, you can double your money.",
            "I won {small} on the slot machine app, use your dad's card and try it too.",
        ),
        ("playing_cards",),
        "kids/gambling",
    ),
    Topic(
        "bullying",
        "kids",
        (
            "Nobody in our class likes you, {name}, so go away.",
            "Do not let {name} play with us, too ugly and too slow.",
            "Everyone laugh at {name}, what a crybaby in {subject}!",
        ),
        (),
        "kids/bullying",
    ),
    Topic(
        "dangerous dare",
        "kids",
        (
            "I dare you to jump off the garage roof and film it!",
            "Challenge: light a piece of paper in your room and see how big the flame gets.",
            "We hold our breath until we faint, whoever stays awake has lost.",
        ),
        ("fire",),
        "kids/dangerous-stunts",
    ),
    Topic(
        "vaping",
        "kids",
        (
            "My brother's vape tastes like mango, come behind the gym and try it.",
            "We drank his dad's beer and got so drunk lol, you should try it.",
        ),
        ("cigarette",),
        "kids/smoking",
    ),
)

OFFENCES: Final = (*_COMMUNITY, *_MARKETPLACE, *_KIDS)
