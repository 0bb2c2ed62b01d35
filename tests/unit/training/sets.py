"""Small data sets as CSV text."""

import random


def breast_cancer() -> str:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    lines = [",".join([*bunch.feature_names, "diagnosis"])]
    lines += [
        ",".join([*map(repr, map(float, row)), str(bunch.target_names[target])])
        for row, target in zip(bunch.data, bunch.target, strict=True)
    ]
    return "\n".join(lines) + "\n"


def things(rows: int = 600, *, label: str = "late") -> str:
    """Every column type, missing values, and names that are no identifiers."""
    draw = random.Random(1)
    lines = [f"id,speed (km/h),gusts,seats,full,carrier,to,at,{label}"]
    for number in range(rows):
        speed, gusts, seats = draw.gauss(80, 20), draw.gauss(0, 1), draw.randrange(50, 400)
        carrier, to, full = draw.choice(["UA", "B6", "AA"]), draw.choice(["SFO", "LAX", "", "ORD"]), draw.random() < 0.5
        score = (speed - 80) / 20 + (carrier == "UA") + 0.01 * (seats - 200) + full + draw.gauss(0, 0.5)
        labels = {
            "late": str(int(score > 1)),
            "band": ["low", "middle", "high"][int(score > 0) + int(score > 2)],
            "delay": f"{score * 10:.3f}",
            "was_late": "true" if score > 1 else "false",
        }
        missing = "" if number % 7 == 0 else f"{gusts:.4f}"
        when = f"2013-01-{1 + number % 28:02d} {number % 24:02d}:00:00"
        lines.append(
            f"x{number:04d},{speed:.3f},{missing},{seats},{str(full).lower()},{carrier},{to},{when},{labels[label]}"
        )
    return "\n".join(lines) + "\n"
