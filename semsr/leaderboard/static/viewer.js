// The viewer: its state, what follows from it, and what keys, gestures and addresses do to it.
(function () {
  "use strict";

  const { element, makeStage, makePair } = semsr;
  const { MOST_PANES, MOST_ZOOM, read, write } = semsr.viewerState;
  const { button, makeBar, makeImages } = semsr.viewerControls;
  const { loadValues, lines, valueList, valueTable } = semsr.viewerValues;
  const STEP = 60; // CSS pixels an arrow key moves by

  const root = document.getElementById("viewer");
  const data = semsr.get(root.dataset.key);
  const choices = new Map(data.choices.map((choice) => [choice.key, choice]));
  let state = read(location.hash, data);
  let values = { found: [], failed: [] };
  let panes = [];
  let written = "";
  let timer = null;

  const actions = {
    set: (changes) => change(changes),
    mode: (mode) => change({ mode }, `${mode}`),
    image: (image) => change({ image }, data.images[image].name),
    step: (by) => actions.image((state.image + by + data.images.length) % data.images.length),
    swap: () => change({ a: state.b, b: state.a }),
    zoom: (factor, x = 0, y = 0) => zoomBy(factor, x, y),
    fit: () => change({ zoom: null, x: 0.5, y: 0.5 }, "whole picture"),
    one: () => change({ zoom: 1 / devicePixelRatio }, "100 per cent"),
    copy,
  };
  const gestures = {
    onZoom: (factor, x, y) => zoomBy(factor, x, y),
    onPan: (x, y) => pan(x, y),
    onFit: (x, y) => (state.zoom === null ? zoomBy(4, x, y) : actions.fit()),
  };

  const bar = makeBar(actions);
  const images = makeImages(data, actions);
  const grid = element("div", { class: "panes" });
  const add = button("Add a pane", () => change({ panes: [...state.panes, next()] }), { class: "add" });
  const pair = makePair(data.choices, actions, gestures);
  const pairValues = element("div", { class: "pair-values", tabindex: "0", role: "region", "aria-label": "Values of A and B" });
  const facts = element("p", { class: "facts" });
  const said = element("p", { class: "hidden-text", role: "status" });
  root.append(bar.node, images.node, element("div", { class: "show" }, facts, grid, add, pair.node, pairValues), said);

  function change(changes, say) {
    state = { ...state, ...changes };
    if (say) said.textContent = say;
    refresh();
    clearTimeout(timer);
    timer = setTimeout(remember, 150);
  }

  // Write the state into the address, without an entry in the history.
  function remember() {
    clearTimeout(timer);
    written = write(state, data);
    try {
      history.replaceState(null, "", written);
    } catch {
      location.replace(written);
    }
  }

  async function copy() {
    remember();
    try {
      await navigator.clipboard.writeText(location.href);
      return true;
    } catch {
      return false;
    }
  }

  // What fits: CSS pixels a pixel of the frame.
  function fitting() {
    const stage = stages()[0];
    const [width, height] = data.images[state.image].frame;
    return Math.min(stage.node.clientWidth / width, stage.node.clientHeight / height) || 1;
  }

  function stages() {
    return state.mode === "grid" ? panes.map((pane) => pane.stage) : [pair.stage];
  }

  function zoomNow() {
    return state.zoom ?? fitting();
  }

  // Zoom such that the point (x, y), given in CSS pixels from the centre of a pane, stays where it is.
  function zoomBy(factor, x, y) {
    const before = zoomNow();
    const least = Math.min(fitting(), 1 / devicePixelRatio);
    const zoom = Math.min(MOST_ZOOM, Math.max(least, before * factor));
    const [width, height] = data.images[state.image].frame;
    change({
      zoom,
      ...inside(state.x + (x / width) * (1 / before - 1 / zoom), state.y + (y / height) * (1 / before - 1 / zoom), zoom),
    }, `${Math.round(zoom * devicePixelRatio * 100)} per cent`);
  }

  function pan(x, y) {
    const zoom = zoomNow();
    const [width, height] = data.images[state.image].frame;
    change({ zoom: state.zoom, ...inside(state.x - x / (width * zoom), state.y - y / (height * zoom), zoom) });
  }

  // The nearest centre with which no more than the rest of a pane is empty.
  function inside(x, y, zoom) {
    const stage = stages()[0].node;
    const [width, height] = data.images[state.image].frame;
    const limit = (value, half) => (half >= 0.5 ? 0.5 : Math.min(1 - half, Math.max(half, value)));
    return { x: limit(x, stage.clientWidth / (2 * width * zoom)), y: limit(y, stage.clientHeight / (2 * height * zoom)) };
  }

  function next() {
    return data.choices.map((choice) => choice.key).find((key) => !state.panes.includes(key)) ?? state.panes[0];
  }

  function picture(key, image = state.image) {
    const choice = choices.get(key);
    const { name, file, frame } = data.images[image];
    const src = choice.missing.includes(image) ? null : `${data.folder}/${choice.folder}/${file}.png`;
    return { src, frame, alt: `${name}: ${choice.label}`, nearest: key === "lr" };
  }

  // As many panes as the state has; those that are there stay, so that focus does, too.
  function fitPanes() {
    while (panes.length > state.panes.length) panes.pop().node.remove();
    while (panes.length < state.panes.length) {
      const pane = makePane(panes.length);
      panes.push(pane);
      grid.append(pane.node);
    }
  }

  function makePane(number) {
    const stage = makeStage(1, gestures);
    const select = element("select", { "aria-label": `Picture in pane ${number + 1}` },
      ...data.choices.map((choice) => element("option", { value: choice.key }, choice.label)));
    select.addEventListener("change", () => change({ panes: state.panes.with(number, select.value) }));
    const remove = button("×", () => {
      change({ panes: state.panes.filter((_, at) => at !== number) });
      panes[Math.min(number, panes.length - 1)].stage.node.focus();
    }, { "aria-label": `Remove pane ${number + 1}`, class: "remove" });
    const below = element("div");
    const node = element("figure", { class: "pane" }, element("figcaption", {}, select, remove), stage.node, below);
    return { node, stage, select, remove, below };
  }

  function refresh() {
    const image = data.images[state.image];
    const gridded = state.mode === "grid";
    root.style.setProperty("--frame", `${image.frame[0]} / ${image.frame[1]}`);
    grid.hidden = add.hidden = !gridded;
    pair.node.hidden = pairValues.hidden = gridded;
    add.disabled = state.panes.length >= MOST_PANES;
    facts.textContent = `${image.name} · LR ${image.lr[0]} × ${image.lr[1]} pixels, restored ${image.frame[0]} × ${image.frame[1]}`;
    for (const problem of values.failed) facts.append(` · ${problem}`);
    if (gridded) refreshGrid(image);
    else refreshPair(image);
    images.refresh(state);
    draw();
  }

  function refreshGrid(image) {
    fitPanes();
    grid.dataset.count = String(state.panes.length);
    const made = lines(values.found, state.panes, image.name);
    panes.forEach((pane, number) => {
      const key = state.panes[number];
      pane.select.value = key;
      pane.remove.hidden = state.panes.length === 1;
      pane.stage.show(0, picture(key));
      pane.stage.node.setAttribute("aria-label", `Pane ${number + 1}: ${choices.get(key).label}`);
      pane.below.replaceChildren(valueList(made, number));
    });
  }

  function refreshPair(image) {
    const labels = [choices.get(state.a).label, choices.get(state.b).label];
    pair.stage.show(0, picture(state.a));
    pair.stage.show(1, picture(state.b));
    pair.refresh(state, labels);
    pairValues.replaceChildren(valueTable(lines(values.found, [state.a, state.b], image.name), [`A: ${labels[0]}`, `B: ${labels[1]}`]));
  }

  function draw() {
    const zoom = zoomNow();
    for (const stage of stages()) {
      stage.draw({ zoom, x: state.x, y: state.y });
      stage.node.classList.toggle("zoomed", state.zoom !== null && zoom > fitting() * 1.001);
    }
    bar.refresh(state, zoom);
  }

  function preload() {
    for (const by of [1, -1]) {
      const image = (state.image + by + data.images.length) % data.images.length;
      for (const key of state.mode === "grid" ? state.panes : [state.a, state.b]) {
        const { src } = picture(key, image);
        if (src) new Image().src = src;
      }
    }
  }

  root.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, dialog")) return;
    const onButton = target.closest("button") !== null;
    const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const keys = {
      "+": () => actions.zoom(1.25), "=": () => actions.zoom(1.25), "-": () => actions.zoom(0.8), "0": actions.fit, "1": actions.one,
      n: () => actions.step(1), p: () => actions.step(-1), "?": () => bar.help.showModal(),
      g: () => actions.mode("grid"), s: () => actions.mode("slider"), b: () => actions.mode("blink"), d: () => actions.mode("difference"),
    };
    if (target.closest(".stage") && moves[event.key] && state.zoom !== null) pan(...moves[event.key]);
    else if (event.key === " " && !onButton && state.mode === "blink") pair.blink.turn();
    else if (keys[event.key.toLowerCase()]) keys[event.key.toLowerCase()]();
    else return;
    event.preventDefault();
  });

  addEventListener("hashchange", () => {
    if (location.hash === written) return;
    state = read(location.hash, data);
    refresh();
  });
  new ResizeObserver(draw).observe(root);

  refresh();
  loadValues(data.values).then((loaded) => {
    values = loaded;
    refresh();
    root.dataset.ready = "true";
    const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 300));
    idle(preload);
  });
})();
