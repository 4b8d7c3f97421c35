# Needs Python 3.11 or newer, pip and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := "$(CURDIR)"/$(VENV)/bin
SPECS := "$(CURDIR)"/plugins/ssd/detforge_ssd/specs
export TF_CPP_MIN_LOG_LEVEL ?= 3
unexport DETFORGE_KEY

.PHONY: demo test test-slow fuzz lint docs bench clean

$(VENV)/installed: pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'detforge[train] needs Python 3.11 or newer; set PYTHON=...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[train]" $(patsubst %,-e %,$(wildcard plugins/*))
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

# Draw a data set, then the whole path: convert, train, evaluate, export, infer.
demo: $(VENV)/installed
	rm -rf .demo && mkdir .demo
	cd .demo && $(BIN)/detforge data scenes scenes/train --images 400 --seed 1 --size 240x240
	cd .demo && $(BIN)/detforge data scenes scenes/val --images 100 --seed 2 --size 240x240
	cd .demo && $(BIN)/detforge ssd dataset_convert -d $(SPECS)/scenes_convert.txt -o records/scenes
	cd .demo && $(BIN)/detforge ssd train -e $(SPECS)/scenes_resnet10.txt -r results
	cd .demo && $(BIN)/detforge ssd export -m results/weights/ssd_resnet10_epoch_020.detforge \
		-e $(SPECS)/scenes_resnet10.txt -o model.onnx
	cd .demo && $(BIN)/detforge ssd inference -m model.onnx -e $(SPECS)/scenes_resnet10.txt \
		-i scenes/val/images -o annotated -l labels -t 0.5
	cd .demo && $(BIN)/detforge ssd evaluate -m results/weights/ssd_resnet10_epoch_020.detforge \
		-e $(SPECS)/scenes_resnet10.txt -r results
	@$(BIN)/python -c "import json; ap = json.load(open('.demo/results/evaluate.json'))['mean_ap']; \
		print(f'mAP@0.5 {ap:.3f}'); assert ap >= 0.7, 'the demo should reach 0.7'"
	@echo "annotated images: $(CURDIR)/.demo/annotated"

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -q -m "not slow" --durations=15

test-slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -q -m slow --durations=15

# Damaged specs, a million unless told otherwise: make fuzz COUNT=20000 SEED=1
COUNT ?= 1000000
SEED ?= 0
fuzz: $(VENV)/installed-dev
	$(BIN)/python tests/core/spec/fuzz.py --count $(COUNT) --seed $(SEED)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/detforge dev protos --check

# Make the blocks of docs/ that show what the program says.
docs: $(VENV)/installed-dev
	$(BIN)/python -m tests.docs.write

bench: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet "torch==2.13.0"
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) .demo dist
