"""Fits the weights that super-resolution ships with, on real scenes and virtual areas.

``python -m benchmarks.superres_train filters --areas FOLDER`` takes a minute and writes
``lmmse.npz`` and ``sharpen.csv``; ``… network --areas FOLDER`` takes about half an hour of one
core and writes ``fine10.onnx`` and ``fine10.safetensors``, also on the way, so that it can be
stopped.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks._superres_scenes import DATA, SPLIT, TEN, Scene, arid, flanders, gers, virtual
from benchmarks._superres_virtual import make
from bocage.files import atomic_path
from bocage.simulate import simulate
from bocage.superres import back_project, degrade, psf_mtf, psf_table
from bocage.superres.learn import (
    Augmentation,
    FineNet,
    TrainSettings,
    detail_pair,
    detail_weights,
    export_graph,
    export_weights,
    fit_filters,
    stand_ins,
    train_network,
)

OUT = Path(__file__).resolve().parents[1] / "src" / "bocage" / "superres" / "data"

NOISE = {"B02": 0.0009, "B03": 0.0009, "B04": 0.0007, "B08": 0.0020}
"""Noise of a band at 10 m, reflectance, as measured on flat ground; others 0.0015."""

MISSING = (("B8A",), ("B05", "B06", "B07", "B8A", "B11", "B12"), ("B11", "B12"))
"""Sets of bands that mosaics lack."""

AREAS = (
    ("mediterranean", 900),
    ("continental", 901),
    ("alpine", 902),
    ("atlantic", 903),
    ("mediterranean", 904),
    ("continental", 905),
    ("alpine", 906),
)
"""Virtual areas (region, seed) that images come from as well; no other region is used."""

TRUTHS = (
    ("mediterranean", 910, 75),
    ("mediterranean", 911, 200),
    ("continental", 912, 110),
    ("continental", 913, 230),
    ("alpine", 914, 180),
    ("alpine", 915, 260),
    ("atlantic", 916, 140),
    ("atlantic", 917, 300),
)
"""Virtual areas (region, seed, day of the year) whose true reflectance at 2.5 m is degraded."""

SHARES = {"gers": 0.42, "arid": 0.12, "flanders": 0.16, "virtual": 0.18, "truth": 0.12}
"""Share of the batches that each kind of scene gives; its scenes share it evenly."""


def options() -> Augmentation:
    """What varies between patches."""
    table = psf_table()
    waves = [table[b].centre_nm for b in TEN]
    return Augmentation(
        noise=tuple(NOISE.get(b, 0.0015) for b in TEN),
        substitutes=tuple(stand_ins([TEN.index(b) for b in m], waves) for m in MISSING),
        missing_share=0.2,
    )


def scenes(data: Path, areas: Path) -> list[tuple[NDArray[np.float32], float]]:
    """Training scenes and their shares; virtual areas that are not there yet are made."""
    kinds: dict[str, list[Scene]] = {
        "gers": [gers(data, slice(0, SPLIT - 8))],
        "arid": [arid(data)],
        "flanders": list(flanders(data)),
        "virtual": [],
        "truth": [truth(*one) for one in TRUTHS],
    }
    for region, seed in AREAS:
        folder = areas / f"{region}_{seed}"
        if not folder.is_dir():
            simulate(folder, region=region, size_km=3, seed=seed, years=(2021,))
        kinds["virtual"] += virtual(folder)
    return [
        (np.maximum(scene.image, 0), SHARES[kind] / len(found))
        for kind, found in kinds.items()
        for scene in found
    ]


def truth(region: str, seed: int, day: int) -> Scene:
    """The middle of a virtual area at 2.5 m, 2 km wide."""
    image = make(region, seed, day).truth
    rows, columns = (slice((n - 800) // 2, (n + 800) // 2) for n in image.shape[1:])
    return Scene(f"{region} {seed}", np.ascontiguousarray(image[:, rows, columns]), TEN)


def write(path: Path, data: bytes) -> None:
    """Write a file whole."""
    with atomic_path(path) as part:
        part.write_bytes(data)


def fit(chosen: list[tuple[NDArray[np.float32], float]], out: Path) -> NDArray[np.float32]:
    """The filters of all bands, written."""
    plain = Augmentation(noise=options().noise)
    weights = fit_filters(chosen, plain, batches=1000)
    with atomic_path(out / "lmmse.npz") as part, part.open("wb") as file:
        np.savez_compressed(file, bands=np.array([*TEN, "other"]), weights=weights)
    return weights


def fit_sharpening(data: Path, out: Path) -> None:
    """The weights that detail is carried over with where images must fit together, written."""
    table = psf_table()
    fine, coarse = ([b for b in TEN if table[b].native_m == size] for size in (10, 20))
    pairs = []
    for scene in (gers(data, slice(0, SPLIT - 8)), arid(data), *flanders(data)):
        rows, columns = (n - n % 4 for n in scene.image.shape[1:])
        image = scene.image[:, :rows, :columns]
        six, four = (image[[TEN.index(b) for b in names]] for names in (coarse, fine))
        # Sharpened bands, seen again at 20 m, are the native ones.
        seen = degrade(six, psf_mtf(coarse), 2)
        pairs.append(detail_pair(seen, four, psf_mtf(coarse), psf_mtf(fine)))
    weights = detail_weights(*(np.concatenate(kind, axis=1) for kind in zip(*pairs, strict=True)))
    lines = [",".join(["band", *fine])]
    lines += [
        ",".join([b, *(f"{w:.4f}" for w in row)]) for b, row in zip(coarse, weights, strict=True)
    ]
    write(out / "sharpen.csv", ("\n".join(lines) + "\n").encode())


def check(net: FineNet, truth: NDArray[np.float32]) -> float:
    """PSNR in dB of the network with one back-projection on a part of a training scene."""
    import torch

    mtf = psf_mtf(TEN)
    coarse = degrade(truth, mtf)
    with torch.no_grad():
        fine = net(torch.from_numpy(coarse[None]))[0].numpy()
    away = back_project(fine, coarse, mtf, 1) - truth
    return float(-10 * np.log10((away[:, 40:-40, 40:-40] ** 2).mean()))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("filters", "network"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--areas", type=Path, required=True, help="folder of the virtual areas")
    parser.add_argument("--steps", type=int, default=TrainSettings.steps)
    parser.add_argument("--seed", type=int, default=TrainSettings.seed)
    parser.add_argument("--rate", type=float, default=TrainSettings.rate)
    parser.add_argument("--start", type=Path, help="safetensors file to train on from")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    chosen = scenes(arguments.data, arguments.areas)
    filters = fit(chosen, arguments.out)
    if arguments.what == "filters":
        fit_sharpening(arguments.data, arguments.out)
        return
    import torch

    torch.set_num_threads(1)
    probe = chosen[0][0][:, :400, :400]
    began = time.monotonic()

    def report(step: int, loss: float, net: FineNet) -> None:
        spent = (time.monotonic() - began) / 60
        print(f"{step} {spent:.1f} min loss {loss:.6f} psnr {check(net, probe):.3f}", flush=True)
        save(net)

    def save(net: FineNet) -> None:
        write(arguments.out / "fine10.safetensors", export_weights(net))
        write(arguments.out / "fine10.onnx", export_graph(net, TEN))

    settings = TrainSettings(steps=arguments.steps, seed=arguments.seed, rate=arguments.rate)
    net = train_network(
        chosen,
        filters[:-1],
        options(),
        settings,
        report,
        device=arguments.device,
        start=arguments.start.read_bytes() if arguments.start else None,
    )
    save(net)


if __name__ == "__main__":
    main()
