"""The page of the models: which versions answer now, and the accuracy of their answers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from features.domain.certificate_withdrawal import CertificateWithdrawal
from features.domain.champion_history import ChampionPeriod, champion_periods
from features.domain.label_rates import LabelRates
from features.domain.modes import Mode
from features.domain.monitoring import Alarm, Measure, MonitoringReport, Proposal
from features.domain.suspension import Suspension
from models.artifacts.registry import ModelVersion
from models.base.model_card import Card
from models.classification.calibrated_predictor import CalibratedPredictor
from models.lifecycle.automatic_acts import AutomaticActs
from models.statistics.confidence_sequence import PrecisionBounds
from serving.background.certificates import AuditedLabel
from serving.background.champions import LoadedVersion
from serving.background.model_health import Agreement
from serving.container import Container
from serving.pages.render.wording import target_name


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate, and the audited precision of its label.

    `audited` is None while no person has checked an answer with this label. `withdrawal` is None
    while the certificate is in force.
    """

    label: str
    promised: float
    mode: Mode
    audited: AuditedLabel | None
    withdrawal: CertificateWithdrawal | None

    @property
    def bounds(self) -> PrecisionBounds | None:
        """The bounds of the precision in production, None without audited answers.

        The bounds are valid however often they are read.
        """
        return None if self.audited is None else self.audited.bounds


@dataclass(frozen=True, slots=True)
class ShownChallenger:
    """A challenger, and how its answers compare with the champion's."""

    version: ModelVersion
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class ShownModel:
    """A champion as the page shows it.

    `period` is None if the log does not say when it became champion. `has_earlier` says whether
    there is a champion to roll back to. `hidden_answers` counts the answers of the audit sample
    that no person has checked yet, by version: counts by label would reveal the answers. `unproven`
    are labels in mode `auto` without a certificate. `withheld` says that certificates are withheld
    or limited, and why; it is None if they are not. `suspension` is None unless the champion
    abstains because of it, `rates` is None unless its answers are corrected to them.
    """

    target: str
    version: ModelVersion
    card: Card
    mode: Mode
    period: ChampionPeriod | None
    certificates: tuple[ShownCertificate, ...]
    hidden_answers: Mapping[str, int]
    challenger: ShownChallenger | None
    alarms: tuple[Alarm, ...]
    measures: tuple[Measure, ...]
    has_earlier: bool
    unproven: tuple[str, ...]
    withheld: str | None
    suspension: Suspension | None
    rates: LabelRates | None

    @property
    def waiting(self) -> tuple[ShownCertificate, ...]:
        """The labels that have a certificate in force and whose mode is not `auto` yet."""
        return tuple(
            certificate
            for certificate in self.certificates
            if certificate.withdrawal is None and certificate.mode is not Mode.AUTO
        )

    @property
    def allow_command(self) -> str:
        """The command that sets the mode of a label to `auto`."""
        return f"precedent mode auto --target {quote(self.target)} --label LABEL"


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """All champions, problems of loading them, the last monitoring report, and automatic acts."""

    models: tuple[ShownModel, ...]
    problems: tuple[str, ...]
    monitoring: MonitoringReport | None
    acts: AutomaticActs

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms that concern no single champion."""
        alarms = self.monitoring.alarms if self.monitoring else ()
        targets = {model.target for model in self.models}
        return tuple(alarm for alarm in alarms if alarm.target not in targets)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures that concern no single champion."""
        measures = self.monitoring.measures if self.monitoring else ()
        targets = {model.target for model in self.models}
        return tuple(measure for measure in measures if measure.target not in targets)

    @property
    def proposals(self) -> Sequence[Proposal]:
        """The labels to add or to retire."""
        return self.monitoring.proposals if self.monitoring else ()


def open_models(services: Container) -> ModelsPage:
    """Return the page of the models; raises `StoreUnavailable`."""
    champions, store = services.champions.current(), services.store
    by_target = champion_periods(store.audit_log.select())
    withdrawals = store.certificate_withdrawals.all()
    models = tuple(
        _show(services, champions.serving[target], by_target.get(target, ()), withdrawals)
        for target in sorted(champions.serving)
    )
    # The reasons name files, so only the log shows them.
    problems = [
        f"The champion of {target_name(target)} was not loaded. The log of the service says why."
        for target in champions.problems
    ]
    if champions.registry_problem is not None:
        problems.append("The model registry cannot be read. The models loaded before still answer.")
    health = services.model_health.model_health
    return ModelsPage(models, tuple(problems), health.monitoring, health.acts)


def _show(
    services: Container,
    champion: LoadedVersion,
    periods: Sequence[ChampionPeriod],
    withdrawals: Iterable[CertificateWithdrawal],
) -> ShownModel:
    target, version = champion.version.target, champion.version
    last = periods[-1] if periods else None
    audited = services.store.predictions.audited(target)
    monitoring = services.model_health.model_health.monitoring
    alarms = monitoring.alarms if monitoring else ()
    measures = monitoring.measures if monitoring else ()
    return ShownModel(
        target,
        version,
        champion.card,
        services.modes.modes.of(target),
        last if last and last.version == version.version else None,
        _certificates(services, champion, withdrawals),
        Counter(answer.version for answer in audited if answer.truth is None),
        _challenger(services, target),
        tuple(alarm for alarm in alarms if alarm.target == target),
        tuple(measure for measure in measures if measure.target == target),
        _has_earlier(periods),
        _unproven_labels(services, champion),
        _withheld_reason(champion),
        services.suspensions.of(champion),
        services.label_rates.of(champion),
    )


def _has_earlier(periods: Iterable[ChampionPeriod]) -> bool:
    """Return whether there is a champion to roll back to; each rollback undoes one promotion."""
    champions: list[str] = []
    for period in periods:
        if period.action == "rollback":
            champions = champions[:-1] or [period.version]
        else:
            champions = [*champions, period.version]
    return len(champions) > 1


def _unproven_labels(services: Container, champion: LoadedVersion) -> tuple[str, ...]:
    modes = services.modes.modes.of_labels(champion.version.target)
    proven = champion.card.certificates
    return tuple(
        label for label, mode in modes.items() if mode is Mode.AUTO and label not in proven
    )


def _withheld_reason(champion: LoadedVersion) -> str | None:
    if not isinstance(champion.model, CalibratedPredictor):
        return None
    certification = champion.model.certification_
    if certification.withheld is None:
        return None
    state = "limited" if certification.certificates else "withheld"
    return f"Certificates are {state}: {certification.withheld}"


def _certificates(
    services: Container,
    champion: LoadedVersion,
    withdrawals: Iterable[CertificateWithdrawal],
) -> tuple[ShownCertificate, ...]:
    version, modes = champion.version, services.modes.modes
    key = (version.target, version.version)
    audited = {
        audit.label: audit
        for audit in services.model_health.model_health.audited
        if (audit.target, audit.version) == key
    }
    withdrawn = {
        withdrawal.label: withdrawal
        for withdrawal in withdrawals
        if (withdrawal.target, withdrawal.version) == key
    }
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
