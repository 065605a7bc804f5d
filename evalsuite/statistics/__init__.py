"""Intervals, p-values and rates: functions of arrays that know nothing of probes or models.

The only place where an interval or a p-value is made. Whatever is undefined is NaN with a reason,
never a number that could be taken for a result. Randomness comes in as a generator; see
:func:`generator` for streams that do not depend on one another.
"""

from __future__ import annotations

from evalsuite.statistics.bootstrap import (
    BootstrapDistribution,
    WeightedStatistic,
    bootstrap_distribution,
    bootstrap_interval,
    by_repetition,
    ratio_distribution,
    ratio_interval,
)
from evalsuite.statistics.calibration import (
    Binning,
    Closed,
    bin_index,
    brier_score,
    calibration_null,
    expected_calibration_error,
    negative_log_likelihood,
)
from evalsuite.statistics.cross_fitted import (
    CrossFittedAccuracy,
    cross_fitted_balanced_accuracy,
)
from evalsuite.statistics.detection import (
    equal_error_rate,
    minimum_detection_cost,
    weighted_detection_cost,
    weighted_equal_error_rate,
)
from evalsuite.statistics.difference import (
    newcombe_paired,
    normal_p_value,
    p_value_of,
    square_and_add,
    standard_error_of,
)
from evalsuite.statistics.dyads import dyadic_distribution
from evalsuite.statistics.exposure import (
    exposure,
    extrapolated_exposure,
    interpolated_exposure,
    null_exposure,
)
from evalsuite.statistics.gap import GroupGap, GroupValue, group_gap
from evalsuite.statistics.groups import (
    Disparity,
    GroupRates,
    GroupTable,
    accuracy_difference,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    equalized_odds_ratio,
    group_rates,
    worst_group_accuracy,
)
from evalsuite.statistics.interval import Interval, clopper_pearson, wilson
from evalsuite.statistics.joint import paired_totals_comparison
from evalsuite.statistics.letters import compact_letters
from evalsuite.statistics.multiplicity import benjamini_hochberg, holm
from evalsuite.statistics.one_run import one_run_epsilon, one_run_p_value
from evalsuite.statistics.paired import (
    PairedComparison,
    mcnemar_exact,
    paired_comparison,
    sign_flip_null,
)
from evalsuite.statistics.paired_auc import auc_difference_interval
from evalsuite.statistics.permutation import NullDistribution, permutation_null
from evalsuite.statistics.points import asks_only_values, only_values
from evalsuite.statistics.power import (
    Design,
    PairedMeans,
    PairedProportions,
    UnpairedMeans,
    UnpairedProportions,
    detectable_with,
    minimum_detectable,
    units_for,
    units_needed,
)
from evalsuite.statistics.proportion import proportion_interval
from evalsuite.statistics.ranking import (
    BestThreshold,
    OperatingPoint,
    auc_interval,
    balanced_accuracy_best_threshold,
    epsilon_lower_bound,
    expected_rank,
    roc_auc,
    tpr_at_fpr,
    weighted_auc,
)
from evalsuite.statistics.reliability import ReliabilityBins, reliability_bins
from evalsuite.statistics.seeds import generator
from evalsuite.statistics.selective import (
    accuracy_at_coverage,
    area_under_risk_coverage,
    least_area_under_risk_coverage,
    risk_coverage,
)
from evalsuite.statistics.temperature import (
    Temperature,
    cross_fitted_probabilities,
    fitted_temperature,
)
from evalsuite.statistics.totals import TotalsStatistic, totals_distribution
from evalsuite.statistics.variance import TwoWayComponents, two_way_components

__all__ = [
    "BestThreshold",
    "Binning",
    "BootstrapDistribution",
    "Closed",
    "CrossFittedAccuracy",
    "Design",
    "Disparity",
    "GroupGap",
    "GroupRates",
    "GroupTable",
    "GroupValue",
    "Interval",
    "NullDistribution",
    "OperatingPoint",
    "PairedComparison",
    "PairedMeans",
    "PairedProportions",
    "ReliabilityBins",
    "Temperature",
    "TotalsStatistic",
    "TwoWayComponents",
    "UnpairedMeans",
    "UnpairedProportions",
    "WeightedStatistic",
    "accuracy_at_coverage",
    "accuracy_difference",
    "area_under_risk_coverage",
    "asks_only_values",
    "auc_difference_interval",
    "auc_interval",
    "balanced_accuracy_best_threshold",
    "benjamini_hochberg",
    "bin_index",
    "bootstrap_distribution",
    "bootstrap_interval",
    "brier_score",
    "by_repetition",
    "calibration_null",
    "clopper_pearson",
    "compact_letters",
    "cross_fitted_balanced_accuracy",
    "cross_fitted_probabilities",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "detectable_with",
    "dyadic_distribution",
    "epsilon_lower_bound",
    "equal_error_rate",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "expected_calibration_error",
    "expected_rank",
    "exposure",
    "extrapolated_exposure",
    "fitted_temperature",
    "generator",
    "group_gap",
    "group_rates",
    "holm",
    "interpolated_exposure",
    "least_area_under_risk_coverage",
    "mcnemar_exact",
    "minimum_detectable",
    "minimum_detection_cost",
    "negative_log_likelihood",
    "newcombe_paired",
    "normal_p_value",
    "null_exposure",
    "one_run_epsilon",
    "one_run_p_value",
    "only_values",
    "p_value_of",
    "paired_comparison",
    "paired_totals_comparison",
    "permutation_null",
    "proportion_interval",
    "ratio_distribution",
    "ratio_interval",
    "reliability_bins",
    "risk_coverage",
    "roc_auc",
    "sign_flip_null",
    "square_and_add",
    "standard_error_of",
    "totals_distribution",
    "tpr_at_fpr",
    "two_way_components",
    "units_for",
    "units_needed",
    "weighted_auc",
    "weighted_detection_cost",
    "weighted_equal_error_rate",
    "wilson",
    "worst_group_accuracy",
]
