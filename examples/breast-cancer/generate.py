"""Writes dataset.yaml: scikit-learn's breast-cancer data, inline, so that the example needs no volume and no download.

    python examples/breast-cancer/generate.py > examples/breast-cancer/dataset.yaml

569 tumours, 30 measures each of their cells' nuclei; values are as scikit-learn has them, to the last digit.
"""

from sklearn.datasets import load_breast_cancer

HEAD = """\
apiVersion: modelward.dev/v1alpha1
kind: Dataset
metadata:
  name: breast-cancer
spec:
  format: csv
  columns:
    label: diagnosis
  source:
    inline:
      data: |
"""


def manifest() -> str:
    """The Dataset with a CSV line a tumour."""
    return HEAD + "".join(f"        {line}\n" for line in csv_lines())


def csv_lines() -> list[str]:
    """Header and rows."""
    data = load_breast_cancer(as_frame=True)
    frame = data.data.rename(columns=lambda name: name.replace(" ", "_"))
    frame["diagnosis"] = data.target_names[data.target]
    return str(frame.to_csv(index=False, lineterminator="\n")).splitlines()


if __name__ == "__main__":
    print(manifest(), end="")
