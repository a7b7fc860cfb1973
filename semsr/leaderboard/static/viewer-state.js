// What the viewer shows, and how that is written into the address and read out of it.
(function () {
  "use strict";

  const MODES = ["grid", "slider", "blink", "difference"];
  const FACTORS = [1, 2, 4, 8, 16, 32];
  const MOST_PANES = 6;
  const MOST_ZOOM = 64;

  // Panes of a fresh page: LR, a row that competes, HR; another row where there is no HR.
  function fresh(data) {
    const keys = data.choices.map((choice) => choice.key);
    const restored = data.choices.filter((choice) => choice.key !== "lr" && choice.key !== "hr");
    const rows = [...restored.filter((choice) => !choice.sanity), ...restored.filter((choice) => choice.sanity)].map((choice) => choice.key);
    const shown = ["lr", ...rows.slice(0, keys.includes("hr") ? 1 : 2), "hr"].filter((key) => keys.includes(key));
    const first = rows[0] ?? "lr";
    return {
      image: 0,
      panes: shown,
      mode: "grid",
      a: first,
      b: keys.includes("hr") ? "hr" : rows[1] ?? "lr",
      zoom: null, // CSS pixels a pixel of the frame; null: the whole picture
      x: 0.5, // the centre, as fractions of the frame
      y: 0.5,
      factor: 4,
      split: 50, // per cent
    };
  }

  // The state an address tells of; whatever it does not tell, or tells wrongly, is as on a fresh page.
  function read(hash, data) {
    const state = fresh(data);
    const told = new URLSearchParams(hash.replace(/^#/, ""));
    const known = new Set(data.choices.map((choice) => choice.key));
    const image = data.images.findIndex((entry) => entry.name === told.get("image"));
    if (image >= 0) state.image = image;
    const panes = (told.get("panes") ?? "").split(",").filter((key) => known.has(key));
    if (panes.length) state.panes = panes.slice(0, MOST_PANES);
    if (MODES.includes(told.get("mode"))) state.mode = told.get("mode");
    for (const side of ["a", "b"]) if (known.has(told.get(side))) state[side] = told.get(side);
    state.zoom = number(told.get("zoom"), 1 / 64, MOST_ZOOM, state.zoom);
    state.x = number(told.get("x"), 0, 1, state.x);
    state.y = number(told.get("y"), 0, 1, state.y);
    state.split = number(told.get("split"), 0, 100, state.split);
    if (FACTORS.includes(Number(told.get("factor")))) state.factor = Number(told.get("factor"));
    return state;
  }

  // The address of a state: what `read` needs, and nothing that does not matter in its mode.
  function write(state, data) {
    const told = new URLSearchParams({ image: data.images[state.image].name });
    if (state.mode === "grid") {
      told.set("panes", state.panes.join(","));
    } else {
      told.set("mode", state.mode);
      told.set("a", state.a);
      told.set("b", state.b);
    }
    if (state.mode === "slider") told.set("split", String(Math.round(state.split)));
    if (state.mode === "difference") told.set("factor", String(state.factor));
    if (state.zoom !== null) {
      told.set("zoom", String(round(state.zoom, 3)));
      told.set("x", String(round(state.x, 4)));
      told.set("y", String(round(state.y, 4)));
    }
    return "#" + told.toString();
  }

  function number(text, low, high, otherwise) {
    if (text === null || text.trim() === "") return otherwise;
    const value = Number(text);
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : otherwise;
  }

  function round(value, digits) {
    return Math.round(value * 10 ** digits) / 10 ** digits;
  }

  semsr.viewerState = { MODES, FACTORS, MOST_PANES, MOST_ZOOM, read, write };
})();
