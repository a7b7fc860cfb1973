"""Everything a step runs, made from a job: networks with their first weights, losses, sides."""

from __future__ import annotations

from torch import nn

from semsr.errors import SemsrError
from semsr.restoration.python import seed_everything
from semsr.restoration.seeding import picture_seed
from semsr.training.averaging import Averaged
from semsr.training.job import Job
from semsr.training.loop import GeneratorLosses, Step
from semsr.training.losses import pixel_loss
from semsr.training.objective import ObjectiveStep
from semsr.training.parts import ExtraLoss
from semsr.training.perceptual import make_perceptual
from semsr.training.precision import Precision
from semsr.training.process import Processes
from semsr.training.side import Side


def make_step(job: Job, processes: Processes) -> Step | ObjectiveStep:
    """Make the networks and what moves them; the global generators are left where the steps' draws of this process begin.

    Networks are drawn on the CPU from seeds of their own: the same on all processes and devices, and a discriminator's first weights
    do not depend on the generator it is trained against.

    Raises:
        SemsrError: the parts do not know what the recipe names. WeightsError: a start or an asset that does not fit.
    """
    recipe, parts, precision = job.recipe, job.parts, Precision(job.recipe.precision, processes.device)

    def side(name: str, network: nn.Module) -> Side:
        card = recipe.generator_optimiser if name == "generator" else recipe.discriminator_optimiser
        return Side(name, precision.prepare(network), card, recipe.schedule, recipe.steps, precision, processes)

    _seed(job, "generator")
    generator = parts.generator()
    if job.start is not None:
        parts.load(generator, job.start, job.start_key)
    if recipe.objective is not None:
        _seed(job, "objective")
        objective = parts.objective()
        precision.prepare(objective.requires_grad_(False))
        average = None if recipe.ema is None else Averaged(generator, recipe.ema)
        trained = side("generator", generator)
        _seed(job, "steps", str(processes.rank))
        return ObjectiveStep(objective, trained, average, precision)
    players = [side("generator", generator)]
    condition = None
    if recipe.discriminator is not None:
        _seed(job, "discriminator")
        players.append(side("discriminator", parts.discriminator()))
        _seed(job, "condition")
        condition = parts.condition()
        if condition is not None:
            precision.prepare(condition.requires_grad_(False))
    average = None if recipe.ema is None else Averaged(generator, recipe.ema)
    losses = _losses(job, precision)
    _seed(job, "steps", str(processes.rank))
    return Step(recipe.losses, players[0], players[1] if len(players) > 1 else None, losses, condition, average, precision)


def _seed(job: Job, *names: str) -> None:
    seed_everything(picture_seed(job.seed, *names))


def _losses(job: Job, precision: Precision) -> GeneratorLosses:
    card = job.recipe.losses
    perceptual = None
    if card.perceptual is not None:
        perceptual = precision.prepare(make_perceptual(card.perceptual, job.parts.files["perceptual"]))
    brought = job.parts.extra_losses()
    if unknown := sorted(set(card.extra) - set(brought)):
        raise SemsrError(
            f"{job.name}: recipe: losses.extra: found {unknown[0]!r}; allowed, as the method brings them: {', '.join(brought) or 'none'}"
        )
    extra: dict[str, ExtraLoss] = {name: brought[name] for name in card.extra}
    for loss in extra.values():
        if isinstance(loss, nn.Module):
            precision.prepare(loss)
    return GeneratorLosses(pixel_loss(card.pixel.kind) if card.pixel else None, perceptual, extra)
