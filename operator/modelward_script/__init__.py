"""For the script of a TrainingRun: read the data, write the model.

    import modelward_script
    from sklearn.ensemble import RandomForestClassifier

    run = modelward_script.read()
    model = RandomForestClassifier(n_estimators=run.parameters.get("trees", 100), random_state=run.seed)
    model.fit(run.x, run.y)
    run.write(model)

Nothing here is needed: a script may as well read and write the files that a container does.
"""

from .run import Run, progress, read

__all__ = ["Run", "progress", "read"]
