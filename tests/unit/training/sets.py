"""Small data sets as CSV text."""

import math
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
            "wait": f"{math.exp(score / 2):.3f}",
            "was_late": "true" if score > 1 else "false",
        }
        missing = "" if number % 7 == 0 else f"{gusts:.4f}"
        when = f"2013-01-{1 + number % 28:02d} {number % 24:02d}:00:00"
        lines.append(
            f"x{number:04d},{speed:.3f},{missing},{seats},{str(full).lower()},{carrier},{to},{when},{labels[label]}"
        )
    return "\n".join(lines) + "\n"


def labelled(kind: str, rows: int = 400) -> str:
    """Three numbers and a label `y` that follows from them, of the `kind` named."""
    draw = random.Random(2)
    lines = ["a,b,c,y"]
    for _ in range(rows):
        a, b, c = (draw.gauss(0, 1) for _ in range(3))
        score = a + 0.5 * b - 0.7 * c + draw.gauss(0, 0.3)
        two, three = int(score > 0), int(score > -0.6) + int(score > 0.6)
        rate = 2.718281828 ** (0.5 * score)
        y = {
            "text, two": ["elm", "fir"][two],
            "text, three": ["oak", "elm", "fir"][three],
            "integer, two": two,
            "integer, three": three,
            "integer from 1": three + 1,
            "yes and no": ["no", "yes"][two],
            "boolean": ["false", "true"][two],
            "number": f"{10 * score:.4f}",
            "count": sum(draw.random() < rate / 40 for _ in range(40)),
        }[kind]
        lines.append(f"{a:.3f},{b:.3f},{c:.3f},{y}")
    return "\n".join(lines) + "\n"
