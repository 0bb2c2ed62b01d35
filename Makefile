# `make help` lists what there is. Everything installs what it needs; what is slow is cached outside the checkout.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH :=
export MYPYPATH := operator:serving:tests
LOCALCLUSTER = PYTHONPATH=tests $(PYTHON) -m localcluster
SBOM = cyclonedx-bom==7.5.0
# Runs a stage and says how long it took.
timed = @start=$$SECONDS; echo "── $(1)"; $(2) && echo "── $(1): $$((SECONDS - start)) s"

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s $$'\t'

demo: $(VENV)/ready ## from nothing to a model in service, and a bad version rolled back (FAULT=errors|slow|skew|all, CLUSTER=kind|k3d|minikube|local, CONTEXT=…)
	@PYTHONPATH=tests:examples/flights $(BIN)/python -m demo $(if $(FAULT),--fault $(FAULT)) $(if $(CLUSTER),--cluster $(CLUSTER)) $(if $(CONTEXT),--context $(CONTEXT)) $(if $(KEEP),--keep)

demo-clean: $(VENV)/ready ## take the demo's cluster away
	@PYTHONPATH=tests:examples/flights $(BIN)/python -m demo --clean

test: setup lint test-unit test-conformance test-api test-cluster ## every level of tests

setup: $(VENV)/ready ## the development environment

$(VENV)/ready: requirements/dev.txt
	$(call timed,development environment,$(PYTHON) -m venv $(VENV) && $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt)
	@printf '%s\n' $(CURDIR)/operator $(CURDIR)/serving > $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/modelward.pth
	@printf '#!/bin/sh\nexec "$(CURDIR)/$(BIN)/python" -m modelward_serving "$$@"\n' > $(BIN)/modelward-server && chmod +x $(BIN)/modelward-server
	@touch $@

fmt: setup ## format and mend what can be mended
	@$(BIN)/ruff format && $(BIN)/ruff check --fix

lint: setup ## format, rules, types, layers, generated files
	$(call timed,lint,$(BIN)/ruff format --check --quiet && $(BIN)/ruff check --quiet && $(BIN)/mypy && $(BIN)/lint-imports > /dev/null && $(BIN)/python -m modelward.api.crdgen --check crds --chart charts/modelward/templates/crds && $(BIN)/python crds/argocd/generate.py --check && $(BIN)/python -m release.chart_readme --check && $(BIN)/zizmor --offline --quiet .github/workflows)

test-unit: setup ## decisions, servers and jobs on this machine, no cluster
	$(call timed,the S3 server of tests,$(LOCALCLUSTER) parts unit > /dev/null)
	$(call timed,unit tests,$(BIN)/pytest -n 2 tests/unit tests/property tests/hostile tests/faults examples)

test-conformance: setup ## other projects' clients, unmodified, against the scoring server
	$(call timed,conformance tests,$(BIN)/pytest tests/conformance)

test-api: setup ## a real etcd and API server
	$(call timed,the API server's parts,$(LOCALCLUSTER) parts api > /dev/null && $(LOCALCLUSTER) parts checks > /dev/null)
	$(call timed,api tests,$(BIN)/pytest -n 2 tests/api tests/charts tests/mutation)

test-cluster: setup ## a real node: containers, Services, DNS, the chart
	$(call timed,the node's parts,$(LOCALCLUSTER) parts node > /dev/null && $(LOCALCLUSTER) parts queue > /dev/null)
	$(call timed,images,$(LOCALCLUSTER) images > /dev/null)
	$(call timed,cluster tests,$(BIN)/pytest -n 3 --dist loadgroup tests/cluster --ignore tests/cluster/test_upgrade.py)
	$(call timed,the upgrade on a node of its own,$(BIN)/pytest tests/cluster/test_upgrade.py)

test-clouds: setup ## sources and the store in Google's and Azure's object stores, by their emulators (Go, npm)
	@test -d .venv-clouds || $(PYTHON) -m venv .venv-clouds
	@.venv-clouds/bin/pip install --quiet --requirement requirements/dev.txt --requirement tests/clouds/requirements.txt
	$(call timed,the emulators,PYTHONPATH=tests:operator $(BIN)/python -m clouds.emulators)
	$(call timed,cloud tests,.venv-clouds/bin/pytest -W ignore tests/clouds)

test-engine: setup ## a training on two nodes by Kubeflow Trainer, its real controller on a real node (builds it, ten minutes)
	$(call timed,Kubeflow Trainer and JobSet,$(LOCALCLUSTER) parts node > /dev/null && $(LOCALCLUSTER) parts engine > /dev/null)
	$(call timed,the training,MODELWARD_TEST_ENGINE=1 $(BIN)/pytest tests/cluster/test_train_job.py)

test-long: setup ## five quiet minutes and ten without the operator, on a real node
	$(call timed,long cluster tests,MODELWARD_TEST_LONG=1 $(BIN)/pytest tests/cluster/test_idle.py tests/cluster/test_operator_away.py)

hostile: setup ## hostile input to any Open Inference Protocol server (URL=http://… MODEL=…, REQUEST=file, PID=…)
	@$(BIN)/pytest tests/hostile $(if $(URL),--url $(URL)) $(if $(MODEL),--model $(MODEL)) $(if $(REQUEST),--request $(REQUEST)) $(if $(PID),--pid $(PID))

fuzz: setup ## the protocol core under 90 times as many examples as in `make test`
	@HYPOTHESIS_PROFILE=long $(BIN)/pytest tests/property --timeout 3600

bench-serving: setup ## our scoring server beside others, a few minutes (ARGS="--quick", "--only modelward,fastapi" …)
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.serving $(ARGS)

bench-first-answer: setup ## from kubectl apply to the first right answer, and where the time goes; a node of its own
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.first_answer $(ARGS)

bench-run: setup ## a small model as a TrainingRun and as a bare `python train.py`, and where the time goes; a node of its own
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.training_run $(ARGS)

bench-traffic: setup ## what the split, its shields and a CPU quota cost, two minutes (ARGS="--only forwarding,shields,quota")
	@PYTHONPATH=.:operator:serving $(BIN)/python -m benchmarks.traffic $(ARGS)

bench-rollback: setup ## how often and how fast simulated rollouts end as they should (ARGS="--replicates 200 --only 10/s")
	@PYTHONPATH=.:operator:serving $(BIN)/python -m benchmarks.rollback $(ARGS)

bench-rollback-cluster: setup ## bad versions under live traffic, from the first request to the rollback; a node of its own (ARGS="--runs 1")
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.rollback.on_cluster $(ARGS)

bench-operator: setup ## the operator beside 100, 1,000 and 5,000 deployments on a real API server, kwok's pods (ARGS="--quick")
	$(call timed,the parts,$(LOCALCLUSTER) parts scale > /dev/null)
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.operator $(ARGS)

bench-gates: setup ## how often `notWorseThan: Serving` says what it should, of simulated pairs, a few minutes (ARGS="--replicates 500")
	@PYTHONPATH=.:operator $(BIN)/python -m benchmarks.gates $(ARGS)

bench-files: setup ## public data files of PyPI packages, read and trained, against pandas and scikit-learn (ARGS="reading training million")
	@PYTHONPATH=.:tests:operator $(BIN)/python -m benchmarks.files $(ARGS)

bench-parity: setup ## every classifier and regressor of scikit-learn, LightGBM and XGBoost against its export (ARGS="--only SVC")
	@PYTHONPATH=.:tests:operator $(BIN)/python -m benchmarks.parity $(ARGS)

bench-data: setup ## how fast data comes in: out of PostgreSQL against psql, from S3 against a bare listing (ARGS="database objects rows")
	@PYTHONPATH=.:tests:operator $(BIN)/python -m benchmarks.data $(ARGS)

bench-search: setup ## TPE and CMA-ES against random search, 30 trials, 20 seeds: functions, and flights with our trainer (ARGS="--quick")
	@PYTHONPATH=.:tests:operator $(BIN)/python -m benchmarks.search $(ARGS)

bench-recipes: setup ## XGBoost, LightGBM, CatBoost, Keras and scikit-learn as docs/recipes.md exports them, through publish
	@test -d .venv-recipes || $(PYTHON) -m venv .venv-recipes && .venv-recipes/bin/pip install --quiet -r benchmarks/recipes/requirements.txt
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.recipes $(CURDIR)/.venv-recipes/bin/python $(ARGS)

bench-mutation: setup ## every field of every kind changed and set back on a real API server, an hour or two (ARGS="--lives 20 --only Dataset")
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.hardening mutation $(ARGS)

bench-weather: setup ## whole lives while requests fail, events get lost and two operators run at once (ARGS="--lives 100")
	@PYTHONPATH=.:tests:operator:serving $(BIN)/python -m benchmarks.hardening weather $(if $(ARGS),$(ARGS),--lives 100)

soak: setup ## ten minutes at 80 % of capacity with weight changes, drains and dying clients (ARGS="--seconds 60 --workers 2")
	@PYTHONPATH=.:operator:serving $(BIN)/python -m benchmarks.traffic.soak $(ARGS)

bench-onnx: setup ## every model of onnx's own backend tests in a server of its own, ten minutes (ARGS="--only relu")
	@PYTHONPATH=.:operator:serving $(BIN)/python -m benchmarks.onnx_support $(ARGS)

images: ## build the images (REGISTRY=… pushes them there, with docker or buildah)
	@$(LOCALCLUSTER) images $(if $(REGISTRY),--push $(REGISTRY))

crds: setup ## generate crds/ and the chart's copy from the models, and what Argo CD is told of them
	@$(BIN)/python -m modelward.api.crdgen crds --chart charts/modelward/templates/crds
	@PYTHONPATH=tests:operator:serving $(BIN)/python -m unit.crds.testdata && $(BIN)/python crds/argocd/generate.py

lock: setup ## pin the dependencies anew
	@$(BIN)/pip install --quiet uv && for extra in dev operator training serving; do \
	  $(BIN)/uv pip compile --quiet pyproject.toml --extra $$extra $$([ $$extra = dev ] || echo -c requirements/dev.txt) \
	    --generate-hashes --no-emit-index-url --no-header --no-annotate --universal --python-version 3.11 -o requirements/$$extra.txt; done

chart-readme: setup ## the table of values in the chart's README, out of values.yaml
	@$(BIN)/python -m release.chart_readme

changelog: setup ## what changelog.d holds goes into CHANGELOG.md, as the version of this tree
	@$(BIN)/towncrier build --yes --version $$($(BIN)/python -m release.version)

dist: setup ## all that a release publishes but its images (REGISTRY=… DIGESTS=images.json HOMEPAGE=https://…)
	@rm -rf dist && mkdir dist && $(BIN)/pip install --quiet uv
	@$(BIN)/uv build --quiet --wheel --python $(BIN)/python --out-dir dist
	@$(BIN)/python -m release.changelog $$($(BIN)/python -m release.version) > dist/notes.md
	@PYTHONPATH=.:tests $(BIN)/python -m release.chart --registry $(or $(REGISTRY),registry.example.com/team) $(if $(DIGESTS),--digests $(DIGESTS)) $(if $(HOMEPAGE),--home $(HOMEPAGE))
	@for image in operator training serving; do $(BIN)/uv tool run --quiet --from $(SBOM) cyclonedx-py requirements requirements/$$image.txt --output-file dist/sbom-$$image.cdx.json; done
	@cd dist && rm -f .gitignore && sha256sum * > SHA256SUMS && ls -l

clean: ## remove this checkout's environment; caches and clusters stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

.PHONY: help demo demo-clean test setup fmt lint test-unit test-conformance test-api test-cluster test-clouds test-long hostile fuzz bench-serving bench-files bench-first-answer bench-run bench-traffic bench-onnx bench-rollback bench-rollback-cluster bench-gates bench-operator bench-search bench-mutation bench-weather bench-recipes bench-parity bench-data soak images crds chart-readme changelog dist lock clean
