"""The page of the models: what answers now, and whether it keeps its promises."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.champion_history import ChampionPeriod, champion_periods
from features.domain.modes import Mode
from features.domain.monitoring import Alarm, Measure, MonitoringReport, Proposal
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card
from models.classification.calibrated_model import CalibratedModel
from models.statistics.confidence_sequence import PrecisionBounds
from serving.background.certificates import AuditedLabel
from serving.background.champions import LoadedVersion
from serving.background.model_health import Agreement
from serving.container import Container


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """What was promised of a label, and what audited answers say of it (`bounds` None: nothing)."""

    label: str
    promised: float
    mode: Mode
    audited: AuditedLabel | None
    withdrawal: CertificateWithdrawal | None

    @property
    def bounds(self) -> PrecisionBounds | None:
        """The bounds of its precision in production, which hold at all times at once."""
        return None if self.audited is None else self.audited.bounds


@dataclass(frozen=True, slots=True)
class ShownChallenger:
    """A challenger, and how its silent answers compare with the champion's."""

    version: ModelVersion
    beside: Agreement


@dataclass(frozen=True, slots=True)
class ShownModel:
    """A champion as the page shows it.

    `period` is None where the log does not tell since when, and `has_earlier` says whether it names
    a champion to roll back to. `held` counts audited answers that wait for a person, by version:
    not by label, since that would tell what they say. `unproven` are labels that their owner allows
    as `auto` without a certificate, and `withheld` says why no certificate is used.
    """

    target: str
    version: ModelVersion
    card: Card
    mode: Mode
    period: ChampionPeriod | None
    certificates: tuple[ShownCertificate, ...]
    held: Mapping[str, int]
    challenger: ShownChallenger | None
    alarms: tuple[Alarm, ...]
    measures: tuple[Measure, ...]
    has_earlier: bool
    unproven: tuple[str, ...]
    withheld: str | None

    @property
    def waiting(self) -> tuple[ShownCertificate, ...]:
        """The proven labels that their owner does not allow as `auto` yet."""
        return tuple(
            each
            for each in self.certificates
            if each.withdrawal is None and each.mode is not Mode.AUTO
        )

    @property
    def allowing(self) -> str:
        """The command that allows a label."""
        return f"python -m training mode auto --target {quote(self.target)} --label LABEL"


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """All champions, and what the last look at them found of none of them in particular."""

    models: tuple[ShownModel, ...]
    problems: tuple[str, ...]
    monitoring: MonitoringReport | None

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What changed that concerns no champion alone."""
        known = {each.target for each in self.models}
        return tuple(each for each in self._found_alarms() if each.target not in known)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What was measured of no champion alone."""
        known = {each.target for each in self.models}
        found = self.monitoring.measures if self.monitoring else ()
        return tuple(each for each in found if each.target not in known)

    @property
    def proposals(self) -> Sequence[Proposal]:
        """Classes to add or to retire."""
        return self.monitoring.proposals if self.monitoring else ()

    def _found_alarms(self) -> Sequence[Alarm]:
        return self.monitoring.alarms if self.monitoring else ()


def open_models(services: Container) -> ModelsPage:
    """Return what there is to say of the champions now; raises `StoreUnavailable`."""
    champions, store = services.champions.current(), services.store
    by_target = champion_periods(store.audit_log.select())
    withdrawals = store.certificate_withdrawals.all()
    models = tuple(
        _show(services, champions.serving[target], by_target.get(target, ()), withdrawals)
        for target in sorted(champions.serving)
    )
    # The reasons name files, which are for whoever reads the log.
    problems = [f"The champion of {target} was refused." for target in champions.problems]
    if champions.registry_problem is not None:
        problems.append("The model registry cannot be read; what answered before goes on.")
    return ModelsPage(models, tuple(problems), services.model_health.model_health.monitoring)


def _show(
    services: Container,
    champion: LoadedVersion,
    of_target: Sequence[ChampionPeriod],
    withdrawals: Iterable[CertificateWithdrawal],
) -> ShownModel:
    target, version = champion.version.target, champion.version
    last = of_target[-1] if of_target else None
    drawn = services.store.predictions.audited(target)
    monitoring = services.model_health.model_health.monitoring
    return ShownModel(
        target,
        version,
        champion.card,
        services.modes.modes.of(target),
        last if last and last.version == version.version else None,
        _certificates(services, champion, withdrawals),
        Counter(each.version for each in drawn if each.truth is None),
        _challenger(services, target),
        tuple(each for each in (monitoring.alarms if monitoring else ()) if each.target == target),
        tuple(
            each for each in (monitoring.measures if monitoring else ()) if each.target == target
        ),
        _has_earlier(of_target),
        _unproven(services, champion),
        _withheld(champion),
    )


def _has_earlier(of_target: Iterable[ChampionPeriod]) -> bool:
    """Tell whether there is a champion to roll back to; one rolled back from is none."""
    champions: list[str] = []
    for period in of_target:
        if period.action == "rollback":
            champions = champions[:-1] or [period.version]
        else:
            champions = [*champions, period.version]
    return len(champions) > 1


def _unproven(services: Container, champion: LoadedVersion) -> tuple[str, ...]:
    modes = services.modes.modes.of_labels(champion.version.target)
    proven = champion.card.certificates
    return tuple(
        label for label, mode in modes.items() if mode is Mode.AUTO and label not in proven
    )


def _withheld(champion: LoadedVersion) -> str | None:
    is_certified = isinstance(champion.model, CalibratedModel)
    return champion.model.certification_.withheld if is_certified else None


def _certificates(
    services: Container,
    champion: LoadedVersion,
    withdrawals: Iterable[CertificateWithdrawal],
) -> tuple[ShownCertificate, ...]:
    version, modes = champion.version, services.modes.modes
    own = (version.target, version.version)
    found = services.model_health.model_health.audited
    audited = {each.label: each for each in found if (each.target, each.version) == own}
    withdrawn = {each.label: each for each in withdrawals if (each.target, each.version) == own}
    return tuple(
        ShownCertificate(
            label,
            certificate.precision_at_least,
            modes.of(version.target, label),
            audited.get(label),
            withdrawn.get(label),
        )
        for label, certificate in champion.card.certificates.items()
    )


def _challenger(services: Container, target: str) -> ShownChallenger | None:
    challenger = services.challengers.current().get(target)
    if challenger is None:
        return None
    version = challenger.version
    return ShownChallenger(version, services.model_health.agreement(target, version.version))
