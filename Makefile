# make demo    look at everything: a napari window, or a tour without a screen that leaves its results in demo/
# make test    all checks and tests, as CI runs them
# make docs    regenerate the screenshot of the README
# Each does all the set-up on a fresh machine: virtual environment, packages, and (as root) system libraries.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt
NEEDS  := setup.cfg pyproject.toml constraints.txt tools/system_packages.sh
# windows and browsers want the screen and the processors for themselves, all else is run two at a time
ALONE  := tests/viewer/ tests/views/ tests/notebook/
OTHERS := $(filter-out $(ALONE) %/__pycache__/, $(wildcard tests/test_*.py tests/*/))
XVFB   := xvfb-run -a -s "-screen 0 1600x1000x24"

.PHONY: demo test docs clean

demo: $(VENV)/.demo
	$(BIN)/fuse-gui demo --folder demo

docs: $(VENV)/.demo
	$(BIN)/fuse-gui demo --headless --folder demo
	cp demo/screenshots/overview.png docs/overview.png

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(XVFB) $(BIN)/python -m pytest -n 2 --dist loadfile $(OTHERS)
	$(XVFB) $(BIN)/python -m pytest $(ALONE)

$(VENV)/.demo: $(NEEDS)
	sh tools/system_packages.sh $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[pyqt5]"
	touch $@

$(VENV)/.test: $(NEEDS)
	sh tools/system_packages.sh $(PYTHON) chromium
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[pyqt5,notebook,test]"
	touch $@

clean:
	rm -rf $(VENV) demo build dist
