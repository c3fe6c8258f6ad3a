"""What MedMNIST v2 offers: names, classes, checksums (Yang et al., Scientific Data 10, 41, 2023)."""

from __future__ import annotations

from dataclasses import dataclass

RECORD = "https://zenodo.org/record/6496656/files"
"""The published record that the checksums belong to."""


@dataclass(frozen=True)
class Collection:
    """One data set of MedMNIST: the MD5 of its published file and the names of its classes."""

    md5: str
    classes: tuple[str, ...]
    several: bool = False
    """A sample may belong to several classes."""


_ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver", "lung-left",
    "lung-right", "pancreas", "spleen",
)  # fmt: skip
_CHEST = (
    "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia", "pneumothorax",
    "consolidation", "edema", "emphysema", "fibrosis", "pleural", "hernia",
)  # fmt: skip
_PATH = (
    "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle", "normal colon mucosa",
    "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
)  # fmt: skip
_DERMA = (
    "actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma", "benign keratosis-like lesions",
    "dermatofibroma", "melanoma", "melanocytic nevi", "vascular lesions",
)  # fmt: skip
_BLOOD = (
    "basophil", "eosinophil", "erythroblast", "immature granulocytes", "lymphocyte", "monocyte", "neutrophil",
    "platelet",
)  # fmt: skip
_TISSUE = (
    "collecting duct, connecting tubule", "distal convoluted tubule", "glomerular endothelial cells",
    "interstitial endothelial cells", "leukocytes", "podocytes", "proximal tubule segments",
    "thick ascending limb",
)  # fmt: skip
_ORGANS_3D = (
    "liver", "kidney-right", "kidney-left", "femur-right", "femur-left", "bladder", "heart", "lung-right",
    "lung-left", "spleen", "pancreas",
)  # fmt: skip
_OCT = ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal")
_FRACTURE = ("buckle rib fracture", "nondisplaced rib fracture", "displaced rib fracture")

COLLECTIONS = {
    "pathmnist": Collection("a8b06965200029087d5bd730944a56c1", _PATH),
    "chestmnist": Collection("02c8a6516a18b556561a56cbdd36c4a8", _CHEST, several=True),
    "dermamnist": Collection("0744692d530f8e62ec473284d019b0c7", _DERMA),
    "octmnist": Collection("c68d92d5b585d8d81f7112f81e2d0842", _OCT),
    "pneumoniamnist": Collection("28209eda62fecd6e6a2d98b1501bb15f", ("normal", "pneumonia")),
    "retinamnist": Collection("bd4c0672f1bba3e3a89f0e4e876791e4", ("0", "1", "2", "3", "4")),
    "breastmnist": Collection("750601b1f35ba3300ea97c75c52ff8f6", ("malignant", "normal, benign")),
    "bloodmnist": Collection("7053d0359d879ad8a5505303e11de1dc", _BLOOD),
    "tissuemnist": Collection("ebe78ee8b05294063de985d821c1c34b", _TISSUE),
    "organamnist": Collection("866b832ed4eeba67bfb9edee1d5544e6", _ORGANS),
    "organcmnist": Collection("0afa5834fb105f7705a7d93372119a21", _ORGANS),
    "organsmnist": Collection("e5c39f1af030238290b9557d9503af9d", _ORGANS),
    "organmnist3d": Collection("21f0a239e7f502e6eca33c3fc453c0b6", _ORGANS_3D),
    "nodulemnist3d": Collection("8755a7e9e05a4d9ce80a24c3e7a256f3", ("benign", "malignant")),
    "adrenalmnist3d": Collection("bbd3c5a5576322bc4cdfea780653b1ce", ("normal", "hyperplasia")),
    "fracturemnist3d": Collection("6aa7b0143a6b42da40027a9dda61302f", _FRACTURE),
    "vesselmnist3d": Collection("2ba5b80617d705141f3b85627108fce8", ("vessel", "aneurysm")),
    "synapsemnist3d": Collection("1235b78a3cd6280881dd7850a78eadb6", ("inhibitory synapse", "excitatory synapse")),
}
