// The plots of means. Each takes a data set's data (see semsr/leaderboard/plots.py) and gives {node, redraw}.
(function () {
  "use strict";

  const { colour, plain, axis, layout, points, placeNames, draw, section } = semsr.plots;
  const CIRCLE = Array.from({ length: 73 }, (_, step) => (step / 72) * 2 * Math.PI);
  const MOST_ELLIPSES = 40;
  const COSTS = [
    ["seconds", "Seconds a picture"],
    ["parameters", "Parameters"],
    ["memory", "Memory, GiB"],
  ];
  const SYMBOLS = {
    "reproduced": "circle", "within-noise": "circle-open", "other-protocol": "square", "not-reproduced": "x",
    "not-comparable": "diamond-open", "not-run": "line-ew-open",
  };

  const arrow = (column) => (column.direction === "higher" ? "↑" : "↓");
  const head = (column) => `${column.title}${column.unit ? `, ${column.unit}` : ""} ${arrow(column)}`;
  const better = (column) => `${column.direction} is better`;
  const columnOptions = (data) => data.columns.map((column, number) => [String(number), `${column.title} ${arrow(column)}`]);
  const finite = (value) => typeof value === "number" && Number.isFinite(value);
  const fixed = (value, column) => (finite(value) ? value.toFixed(column.decimals) : value === null ? "–" : String(value).replace("Infinity", "∞"));

  function plane(data) {
    const options = columnOptions(data);
    const figure = section("plane", "Perception and distortion",
      "What no other method beats in both columns is joined by the dotted line. An ellipse holds both means with 95 % confidence "
      + "(Hotelling's region of the means over images; seeds do not count); where there are no values for each image there is none."
      + (data.rows.length > MOST_ELLIPSES ? " Of this many methods only those that are not beaten have one." : ""),
      [{ name: "x", label: "Across", options, value: data.start.x }, { name: "y", label: "Up", options, value: data.start.y }], redraw);

    function redraw() {
      const [x, y] = ["x", "y"].map((name) => Number(figure.chosen(name)));
      const [across, up] = [data.columns[x], data.columns[y]];
      const rows = data.rows.filter((row) => finite(row.cells[x].value) && finite(row.cells[y].value));
      const front = (data.fronts[`${Math.min(x, y)},${Math.max(x, y)}`] ?? []).map((number) => data.rows[number]).filter((row) => rows.includes(row));
      const outlined = rows.filter((row) => x !== y && row.region && finite(row.region.half[x]) && finite(row.region.half[y])
        && (rows.length <= MOST_ELLIPSES || front.includes(row)));
      const ellipses = [false, true].map((sanity) => ellipsesOf(outlined.filter((row) => row.sanity === sanity), x, y, sanity ? "soft" : "accent"));
      const joined = {
        type: "scatter", mode: "lines", name: "not beaten in both", hoverinfo: "skip",
        x: front.map((row) => row.cells[x].value), y: front.map((row) => row.cells[y].value),
        line: { dash: "dot", width: 2, color: colour("focus") },
      };
      const shown = points(figure, rows, (row) => row.cells[x].value, (row) => row.cells[y].value,
        (row) => [row.label, `${across.title} ${fixed(row.cells[x].value, across)}`, `${up.title} ${fixed(row.cells[y].value, up)}`],
        { within: ellipses.flatMap((trace) => trace.x.map((value, at) => [value, trace.y[at]]).filter(([value]) => value !== null)) });
      const traces = rows.length ? [...ellipses, ...(front.length > 1 ? [joined] : []), ...shown] : [];
      return draw(figure, traces, layout(axis(`${head(across)} (${better(across)})`), axis(`${head(up)} (${better(up)})`)), {
        caption: `${across.title} and ${up.title} of ${data.label}`,
        heads: ["Method", head(across), head(up), "Half width of the ellipse", "Beaten in both"],
        lines: rows.map((row) => [row.label, fixed(row.cells[x].value, across), fixed(row.cells[y].value, up),
          row.region && finite(row.region.half[x]) && finite(row.region.half[y])
            ? `${row.region.half[x].toPrecision(2)}; ${row.region.half[y].toPrecision(2)} (${row.region.count} images)` : "–",
          row.sanity ? "does not compete" : front.includes(row) ? "no" : "yes"]),
      });
    }

    return { node: figure.node, redraw };
  }

  // One trace for many, with gaps in between, which is what plotly draws fast: points of u'C⁻¹u = 1, from half widths and correlation.
  function ellipsesOf(rows, x, y, name) {
    const along = [];
    const up = [];
    for (const row of rows) {
      const { half, correlation } = row.region;
      const r = correlation[x][y];
      for (const angle of CIRCLE) {
        along.push(row.cells[x].value + half[x] * Math.cos(angle));
        up.push(row.cells[y].value + half[y] * (r * Math.cos(angle) + Math.sqrt(1 - r * r) * Math.sin(angle)));
      }
      along.push(null);
      up.push(null);
    }
    return {
      type: "scatter", mode: "lines", fill: "toself", hoverinfo: "skip", showlegend: false, x: along, y: up,
      line: { width: 1, color: colour(name, 0.6) }, fillcolor: colour(name, 0.05),
    };
  }

  function cost(data) {
    const there = COSTS.filter(([name]) => data.rows.some((row) => row.cost[name] > 0));
    if (!there.length) return null;
    const figure = section("cost", "Quality and cost",
      "What a picture of this data set costs as it was run here: compare rows only on the same device. Bars are 95 % intervals.",
      [{ name: "y", label: "Quality", options: columnOptions(data), value: data.start.y },
        { name: "x", label: "Cost", options: there, value: there[0][0] }], redraw);

    function redraw() {
      const y = Number(figure.chosen("y"));
      const name = figure.chosen("x");
      const column = data.columns[y];
      const title = COSTS.find(([key]) => key === name)?.[1] ?? "";
      const rows = data.rows.filter((row) => row.cost[name] > 0 && finite(row.cells[y].value));
      const traces = points(figure, rows, (row) => row.cost[name], (row) => row.cells[y].value,
        (row) => [row.label, `${title}: ${amount(row.cost[name], name)}`, `${column.title} ${fixed(row.cells[y].value, column)}`, row.cost.device],
        { more: (group) => ({ error_y: bars(group.map((row) => row.cells[y])) }), scale: Math.log,
          within: rows.flatMap((row) => [row.cells[y].low, row.cells[y].high].filter(finite).map((value) => [Math.log(row.cost[name]), value])) });
      return draw(figure, traces, layout(axis(`${title} (logarithmic)`, { type: "log", exponentformat: "SI", dtick: decades(rows.map((row) => row.cost[name])) }), axis(`${head(column)} (${better(column)})`)), {
        caption: `${title} and ${column.title} of ${data.label}`,
        heads: ["Method", title, "Device", head(column), "95 % interval"],
        lines: rows.map((row) => [row.label, amount(row.cost[name], name), row.cost.device || "–", fixed(row.cells[y].value, column), interval(row.cells[y], column)]),
      });
    }

    return { node: figure.node, redraw };
  }

  // One tick a power of ten where there are several of them, else those that plotly chooses.
  function decades(values) {
    return Math.max(...values) / Math.min(...values) > 30 ? 1 : undefined;
  }

  function amount(value, name) {
    return name === "parameters" ? value.toLocaleString("en") : value.toPrecision(3);
  }

  function bars(cells) {
    return {
      type: "data", symmetric: false, thickness: 1, width: 3, color: colour("soft"),
      array: cells.map((cell) => (finite(cell.high) ? cell.high - cell.value : 0)),
      arrayminus: cells.map((cell) => (finite(cell.low) ? cell.value - cell.low : 0)),
    };
  }

  function interval(cell, column) {
    return finite(cell.low) && finite(cell.high) ? `${fixed(cell.low, column)} to ${fixed(cell.high, column)}` : "–";
  }

  function published(data) {
    const compared = (number) => data.rows.filter((row) => finite(row.cells[number].value) && finite(row.cells[number].number));
    const options = columnOptions(data).filter(([number]) => compared(number).length);
    if (!options.length) return null;
    const figure = section("published", "Published and ours",
      "On the line the two are equal. A bar is as long as the tolerance on either side of ours: where it reaches the line, the published value is within it. "
      + "Hollow diamonds are not comparable: their published values are of other pictures or made in another way, for orientation only.",
      [{ name: "column", label: "Column", options, value: options[0][0] },
        { name: "up", label: "Up", options: [["ours", "our value"], ["difference", "ours minus published"]], value: "ours" }], redraw);

    function redraw() {
      const number = figure.chosen("column");
      const column = data.columns[number];
      const rows = compared(number);
      const cells = rows.map((row) => row.cells[number]);
      const differences = figure.chosen("up") === "difference";
      const up = (cell) => (differences ? cell.value - cell.number : cell.value);
      const found = placeNames(rows.map((row) => row.label), cells.map((cell) => [cell.number, up(cell)]), [], figure.plot);
      const placed = new Map(rows.map((row, at) => [row, found[at]]));
      const kinds = [...new Set(cells.map((cell) => cell.verdict ?? "not-comparable"))];
      const traces = kinds.map((kind) => {
        const group = rows.filter((row) => (row.cells[number].verdict ?? "not-comparable") === kind);
        const its = group.map((row) => row.cells[number]);
        return {
          type: "scatter", mode: "markers+text", name: data.said[kind],
          x: its.map((cell) => cell.number), y: its.map(up),
          text: group.map((row) => (placed.get(row) ? plain(row.label) : "")),
          textposition: group.map((row) => placed.get(row) || "top center"), cliponaxis: false,
          hovertext: group.map((row, at) => [row.label, `published ${its[at].published}`, `ours ${its[at].text}`, data.said[kind]].map(plain).join("<br>")),
          hoverinfo: "text",
          marker: { size: 11, symbol: SYMBOLS[kind], color: colour(kind), line: { width: 2, color: colour(kind) } },
          error_y: { type: "data", array: its.map((cell) => cell.tolerance ?? 0), thickness: 1.5, width: 5, color: colour(kind) },
        };
      });
      const ends = extent(cells.flatMap((cell) => (differences ? [cell.number] : [cell.number, cell.value])));
      const diagonal = { type: "scatter", mode: "lines", name: "equal", x: ends, y: differences ? [0, 0] : ends, hoverinfo: "skip", line: { dash: "dash", width: 1.5, color: colour("strong-line") } };
      return draw(figure, rows.length ? [diagonal, ...traces] : [], layout(axis(`${column.title} published`), axis(differences ? `${column.title} ours minus published` : `${column.title} ours`)), {
        caption: `${column.title} of ${data.label}, published and ours`,
        heads: ["Method", "Published", "Ours", "Tolerance", "Verdict"],
        lines: rows.map((row, at) => [row.label, cells[at].published, cells[at].text, finite(cells[at].tolerance) ? `± ${cells[at].tolerance.toPrecision(2)}` : "–", data.said[cells[at].verdict] ?? "–"]),
      });
    }

    return { node: figure.node, redraw };
  }

  function extent(numbers) {
    const low = Math.min(...numbers);
    const high = Math.max(...numbers);
    const rim = (high - low) * 0.04 || Math.abs(high) * 0.01 || 1;
    return [low - rim, high + rim];
  }

  semsr.plotFigures = { plane, cost, published, extent, fixed, head, arrow, finite };
})();
