"""What each training picture is paired with: class prompts with synonyms, or its own captions."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from data import Picture, read_pictures
from imagenet import read_classes
from towers import TextTower

CLASS_TEMPLATES = (
    "a photo of a {}", "a picture of {}", "{}", "a small, low resolution photo of a {}",
    "a close-up photo of a {}", "an image showing a {}",
)  # fmt: skip
SCENE_TEMPLATES = (
    "a photo of a {}", "a {} scene", "{}", "a view of a {}", "a picture taken at a {}",
)  # fmt: skip
ACTION_TEMPLATES = ("{}", "a photo of {}", "an image showing {}", "a picture of {} ")
EMOJI_TEMPLATES = ("{}", "an emoji of {}", "a drawing of {}")

# What an ambiguous or rare class name means, in words a reader would use.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "african hunting dog": ("wild dog",),
    "alp": ("snowy mountain",),
    "american lobster": ("lobster",),
    "ashcan": ("trash can", "rubbish bin"),
    "bannister": ("stair railing",),
    "bass": ("bass fish",),
    "beach wagon": ("station wagon car",),
    "beacon": ("lighthouse",),
    "boa constrictor": ("snake",),
    "body": ("bodysuit, an item of clothing",),
    "bolete": ("mushroom",),
    "boxer": ("boxer dog",),
    "brass": ("brass memorial plaque",),
    "bullet train": ("high-speed train",),
    "butcher shop": ("meat on sale",),
    "cannon": ("cannon, an artillery weapon",),
    "car side": ("car seen from the side",),
    "cash machine": ("ATM, automatic teller machine",),
    "cellphone": ("mobile phone",),
    "chest": ("wooden chest",),
    "chime": ("wind chime",),
    "convertible": ("open car without a roof",),
    "cuirass": ("suit of armour",),
    "dollar bill": ("banknote", "paper money"),
    "drumstick": ("drum and sticks",),
    "ear": ("ear of corn",),
    "espresso": ("cup of coffee",),
    "ewer": ("jug",),
    "faces": ("person's face",),
    "faces easy": ("person's face", "portrait of a person"),
    "file": ("filing cabinet",),
    "fly": ("fly, an insect",),
    "french bulldog": ("bulldog",),
    "gasmask": ("gas mask",),
    "golden retriever": ("dog",),
    "groom": ("bridegroom in a suit",),
    "hog": ("pig",),
    "holster": ("gun in a holster", "holster for a pistol"),
    "lesser panda": ("red panda",),
    "limousine": ("long car",),
    "lifeboat": ("rescue boat",),
    "longsleeve": ("shirt with long sleeves",),
    "military uniform": ("soldier in uniform",),
    "missile": ("missile, a weapon",),
    "monarch": ("monarch butterfly",),
    "moving van": ("truck",),
    "nail": ("metal nail",),
    "organ": ("pipe organ",),
    "outwear": ("jacket or coat",),
    "pay-phone": ("telephone",),
    "persian cat": ("cat",),
    "tabby": ("tabby cat",),
    "egyptian cat": ("cat",),
    "pill bottle": ("bottle of pills", "medicine bottle"),
    "plate": ("plate of food",),
    "police van": ("police car",),
    "pop bottle": ("soda bottle",),
    "projectile": ("missile", "rocket"),
    "punching bag": ("boxer training with a punching bag",),
    "reel": ("fishing reel",),
    "revolver": ("handgun", "pistol", "gun"),
    "robin": ("robin bird",),
    "slot": ("slot machine", "gambling machine"),
    "space heater": ("electric heater",),
    "sports car": ("fast car",),
    "stage": ("theatre stage",),
    "stop sign": ("red road sign",),
    "street sign": ("road sign with text",),
    "syringe": ("needle for an injection", "drug injection"),
    "tank": ("battle tank, an army vehicle",),
    "teddy": ("teddy bear",),
    "tobacco shop": ("shop selling cigarettes",),
    "torch": ("burning torch", "flame"),
    "candle": ("burning candle", "candle flame"),
    "upright": ("upright piano",),
    "beer bottle": ("bottle of alcohol",),
    "volcano": ("erupting volcano with lava",),
    "wok": ("cooking pan",),
    "fire station": ("fire engine at a station",),
    "slum": ("poor quarter of a city",),
}
SYNONYM_TEMPLATES = ("a photo of a {}", "{}")


@dataclass(frozen=True)
class Pairs:
    """The text table, and the rows of it that suit each class and each picture.

    `class_rows[c]` are rows of `texts`; `class_of[p]` is -1 for a captioned picture, whose rows are
    `caption_rows[p]`.
    """

    texts: list[str]
    classes: list[str]
    class_rows: list[list[int]]
    class_of: list[int]
    caption_rows: list[list[int]]


def prompts_of(name: str, kind: str) -> list[str]:
    """Templates and synonyms of one class."""
    by_kind = {"scene": SCENE_TEMPLATES, "action": ACTION_TEMPLATES}
    prompts = [template.format(name) for template in by_kind.get(kind, CLASS_TEMPLATES)]
    for synonym in SYNONYMS.get(name.lower(), ()):
        prompts += [template.format(synonym) for template in SYNONYM_TEMPLATES]
    return prompts


def _captions(picture: Picture) -> list[str]:
    if picture.kind == "emoji":
        return [template.format(text) for text in picture.texts for template in EMOJI_TEMPLATES]
    return list(picture.texts)


def build_pairs(pictures: list[Picture]) -> Pairs:
    """Classes of the same name in different sets are one class; every text has one row."""
    row_of: dict[str, int] = {}
    class_index: dict[str, int] = {}
    class_rows: list[list[int]] = []
    class_of, caption_rows = [], []
    for picture in pictures:
        if picture.captioned:
            class_of.append(-1)
            caption_rows.append([row_of.setdefault(t, len(row_of)) for t in _captions(picture)])
            continue
        name = picture.texts[0]
        if name.lower() not in class_index:
            class_index[name.lower()] = len(class_rows)
            prompts = dict.fromkeys(p for text in picture.texts for p in prompts_of(text, picture.kind))
            class_rows.append([row_of.setdefault(p, len(row_of)) for p in prompts])
        class_of.append(class_index[name.lower()])
        caption_rows.append([])
    return Pairs(list(row_of), list(class_index), class_rows, class_of, caption_rows)


@dataclass(frozen=True)
class Table:
    """The locked text embeddings: `rows` (texts, 384), `classes` (classes, 384) mean prompts.

    `imagenet` has the rows of each of its classes, `held` those of each captioned validation picture.
    """

    pairs: Pairs
    rows: Tensor
    classes: Tensor
    imagenet: list[list[int]]
    held: list[list[int]]


def all_texts(data: Path, work: Path) -> tuple[Pairs, list[str], list[list[int]], list[list[int]]]:
    """Texts of the training pictures, then those of ImageNet's classes, then captions of validation pictures."""
    pairs = build_pairs(read_pictures(data))
    row_of = {text: row for row, text in enumerate(pairs.texts)}
    classes = read_classes(*(next(work.glob(f"{name}-*.whl")) for name in ("open_clip_torch", "timm")))
    imagenet = [[row_of.setdefault(prompt, len(row_of)) for prompt in prompts] for prompts in classes]
    captions = [p.texts for p in read_pictures(data, ("val",)) if p.captioned]
    held = [[row_of.setdefault(text, len(row_of)) for text in texts] for texts in captions]
    return pairs, list(row_of), imagenet, held


def read_table(data: Path, work: Path) -> Table:
    """What `main` wrote."""
    pairs, texts, imagenet, held = all_texts(data, work)
    rows = torch.from_numpy(np.load(work / "targets.npy")).float()
    if len(rows) != len(texts):
        raise ValueError(f"{work}/targets.npy: {len(rows)} rows, {len(texts)} texts: run pairs.py again")
    classes = torch.stack([F.normalize(rows[own].mean(0), dim=0) for own in pairs.class_rows])
    return Table(pairs, rows, classes, imagenet, held)


def main() -> None:
    """Embed the texts with the exported text tower: targets.npy (texts, 384) float32."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="also holds the wheels with ImageNet's class names")
    parser.add_argument("--model", type=Path, required=True, help="folder of the exported text tower")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    pairs, texts, imagenet, _ = all_texts(options.data, options.work)
    print(len(texts), "texts,", len(pairs.classes), "classes,", len(imagenet), "of ImageNet", flush=True)
    partial = options.work / "targets.partial.npy"
    np.save(partial, TextTower(options.model, options.threads).embed(texts))
    partial.replace(options.work / "targets.npy")


if __name__ == "__main__":
    main()
