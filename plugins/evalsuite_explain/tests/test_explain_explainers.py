"""Explainers against worked numbers, captum, and a linear model with known weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import FeatureAblation, KernelShap, LimeBase, ShapleyValues
from captum.attr import Occlusion as CaptumOcclusion

from evalsuite import DifferentiableView, RequestFailed, Text, UsageError
from evalsuite.testing.playing import drive
from evalsuite_explain.explainers import gradients
from evalsuite_explain.explainers.attention import (
    average_heads,
    cam_of,
    normalised_relevance,
    relevance_across,
    relevance_of,
    rollout,
    rollout_across,
)
from evalsuite_explain.explainers.catalogue import PERTURBATIONS, make_explainer
from evalsuite_explain.explainers.game import Explanation, Game
from evalsuite_explain.explainers.surrogate import nearness

POINT = np.array([1.0, 2.0, 3.0])


def product(x):
    """f = 2 x0 + 3 x1 x2, which is 20 at (1, 2, 3); rows of x are points."""
    return 2 * x[:, 0] + 3 * x[:, 1] * x[:, 2]


class Numbers:
    """Features of a point, zero where absent; what is shown is the point as text."""

    def __init__(self, point):
        self.point = np.asarray(point, dtype=float)

    def __len__(self):
        return len(self.point)

    def showing(self, present):
        return (Text(" ".join(map(repr, np.where(present, self.point, 0.0).tolist()))),)


class Value:
    """A function of the point that is shown."""

    def __init__(self, function):
        self.function = function

    def requests(self, shown):
        from evalsuite import EmbedText

        return (EmbedText(shown[0].text),)

    def score(self, replies):
        return replies[0]


def explained(name, function, point=POINT, seed=0, **settings) -> Explanation:
    asked = []

    def answer(request):
        numbers = [float(word) for word in request.text.split()]
        return float(function(np.array([numbers]))[0])

    game = Game(Numbers(point), Value(function))
    generator = make_explainer(name, settings).explain(game, np.random.default_rng(seed))
    found, failure = drive(generator, answer, asked)
    assert failure is None
    assert len(set(asked)) == len(asked)
    return found


def test_the_worked_game():
    # without x1 or x2 the product 18 is gone: 18 for each by occlusion, half of it by Shapley
    for name, scores in (
        ("occlusion", (2, 18, 18)),
        ("shapley", (2, 9, 9)),
        ("sampled_shapley", (2, 9, 9)),  # a reversed order gives the other factor the 18
        ("kernel_shap", (2, 9, 9)),
    ):
        found = explained(name, product)
        assert found.scores == pytest.approx(scores, abs=1e-6), name
        assert found.total == pytest.approx(20)


def test_shapley_explainers_share_out_everything_and_occlusion_does_not():
    for name in ("shapley", "sampled_shapley", "kernel_shap"):
        assert explained(name, product).completeness_error == pytest.approx(0, abs=1e-9)
    assert explained("occlusion", product).completeness_error == pytest.approx(18)


def bent(x):
    """A function of eight features with pairs and a threshold."""
    x = np.asarray(x)
    return (
        x[:, 0] * x[:, 1] - 2 * x[:, 2] + np.tanh(x[:, 3:6].sum(-1)) + x[:, 6] * x[:, 7] * x[:, 0]
    )


POINT8 = np.array([1.0, -2.0, 0.5, 0.3, 0.2, -0.4, 1.5, 0.7])


def torch_bent(x):
    return torch.from_numpy(bent(x.numpy()))


def test_occlusion_is_captums_feature_ablation():
    theirs = FeatureAblation(torch_bent).attribute(torch.from_numpy(POINT8)[None])
    assert explained("occlusion", bent, POINT8).scores == pytest.approx(theirs[0].numpy())


def test_windows_slide_as_captums_occlusion():
    inputs = torch.from_numpy(POINT8)[None]
    theirs = CaptumOcclusion(torch_bent).attribute(inputs, sliding_window_shapes=(3,))
    assert explained("occlusion", bent, POINT8, window=3).scores == pytest.approx(theirs[0].numpy())


def test_exact_shapley_is_captums():
    point = torch.from_numpy(POINT8)[None]
    theirs = ShapleyValues(torch_bent).attribute(point, perturbations_per_eval=8)[0].numpy()
    ours = explained("shapley", bent, POINT8).scores
    assert ours == pytest.approx(theirs, abs=5e-4)  # theirs sums 8! orders in float32
    assert explained("kernel_shap", bent, POINT8).scores == pytest.approx(ours, abs=1e-9)


def test_sampled_shapley_and_sampled_kernel_shap_come_near_the_exact_values():
    exact = explained("shapley", bent, POINT8).scores
    sampled = explained("sampled_shapley", bent, POINT8, n_permutations=200).scores
    assert np.abs(sampled - exact).max() < 0.15
    regressed = explained("kernel_shap", bent, POINT8, n_samples=200).scores
    assert np.abs(regressed - exact).max() < 0.15
    torch.manual_seed(0)
    theirs = KernelShap(torch_bent).attribute(torch.from_numpy(POINT8)[None], n_samples=2000)
    assert np.abs(theirs[0].numpy() - exact).max() < 0.15


def test_lime_is_captums_regression_on_the_same_masks():
    rng = np.random.default_rng(0)
    masks = np.vstack([np.ones((1, 8), bool), rng.random((256, 8)) < 0.5])
    rows = iter(masks)
    lime = LimeBase(
        torch_bent,
        SkLearnRidge(alpha=1.0),
        lambda original, perturbed, mask, **_: torch.tensor(
            nearness(mask.numpy().astype(bool), 0.25)[0]
        ),
        lambda original, **_: torch.from_numpy(next(rows).astype(float))[None],
        perturb_interpretable_space=True,
        from_interp_rep_transform=lambda mask, original, **_: mask * original,
        to_interp_rep_transform=None,
    )
    theirs = lime.attribute(torch.from_numpy(POINT8)[None], n_samples=257)[0].numpy()
    assert explained("lime", bent, POINT8).scores == pytest.approx(theirs, abs=1e-4)


WEIGHTS = np.array([0.5, -2.0, 1.0, 3.0])
BASE_POINT = np.array([1.0, 2.0, 3.0, -1.0])


@pytest.mark.parametrize("name", ["occlusion", "shapley", "sampled_shapley", "kernel_shap"])
def test_a_linear_model_is_explained_exactly_by_perturbation(name):
    found = explained(name, lambda x: x @ WEIGHTS, BASE_POINT)
    assert found.scores == pytest.approx(WEIGHTS * BASE_POINT, abs=1e-9)


def test_lime_without_a_penalty_finds_linear_weights():
    found = explained("lime", lambda x: x @ WEIGHTS, BASE_POINT, ridge=0.0)
    assert found.scores == pytest.approx(WEIGHTS * BASE_POINT, abs=1e-6)


@pytest.mark.parametrize("name", ["integrated_gradients", "deep_lift"])
def test_a_linear_model_is_explained_exactly_by_gradients(name):
    weights = torch.tensor(WEIGHTS, dtype=torch.float32)
    inputs = torch.tensor(BASE_POINT, dtype=torch.float32).reshape(1, 4, 1)
    base = torch.tensor([0.5, 0.5, -1.0, 0.0]).reshape(1, 4, 1)
    view = DifferentiableView(
        inputs, base, lambda x: x[:, :, 0] @ weights, (), module=torch.nn.Identity()
    )
    found = getattr(gradients, name)(view)
    assert found.scores == pytest.approx(WEIGHTS * (inputs - base).numpy().reshape(4), abs=1e-5)


def relu_view(softmax=False):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))

    def output(x):
        rows = x[:, :, 0].softmax(-1) if softmax else x[:, :, 0]
        return net(rows)[:, 0]

    inputs = torch.tensor([[[3.0], [-2.0], [1.0], [4.0]]])
    return DifferentiableView(inputs, torch.zeros_like(inputs), output, (), module=net)


def test_deep_lift_is_complete_where_steps_are_modules():
    assert gradients.deep_lift(relu_view()).convergence_delta < 1e-5


def test_deep_lift_says_so_where_a_softmax_bends_the_output():
    with pytest.raises(RequestFailed, match="integrated_gradients"):
        gradients.deep_lift(relu_view(softmax=True))


def test_deep_lift_out_of_memory_is_no_lack_of_hooks():
    def output(x):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        gradients.deep_lift(replace(relu_view(), output=output))


def test_smooth_grad_repeats_itself_and_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    one, other = (gradients.smooth_grad(relu_view(), seed=5) for _ in range(2))
    assert one == other
    torch.manual_seed(3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_smooth_grad_of_a_linear_model_is_its_saliency():
    weights = torch.tensor(WEIGHTS, dtype=torch.float32)
    inputs = torch.tensor(BASE_POINT, dtype=torch.float32).reshape(1, 4, 1)
    view = DifferentiableView(inputs, inputs * 0, lambda x: x[:, :, 0] @ weights, ())
    assert gradients.smooth_grad(view).scores == pytest.approx(np.abs(WEIGHTS))


def test_relevance_and_rollout_by_hand():
    # heads: (gradient x attention)+ is [[.8, .2], [0, .6]] and [[.6, 1], [0, 0]]; their mean is cam
    attention = torch.tensor([[[0.8, 0.2], [0.4, 0.6]], [[0.6, 0.5], [0.4, 0.5]]]).double()
    gradient = torch.tensor([[[1.0, 1.0], [-1.0, 1.0]], [[1.0, 2.0], [-1.0, -1.0]]]).double()
    cam = average_heads(attention, gradient)
    assert cam.flatten().tolist() == pytest.approx([0.7, 0.6, 0.0, 0.3], abs=1e-6)
    found = relevance_of([cam])  # I + cam I
    assert found.flatten().tolist() == pytest.approx([1.7, 0.6, 0.0, 1.3], abs=1e-6)
    # rows of R - I sum to 1.3 and .3: .7 / 1.3 + 1, .6 / 1.3; 0, .3 / .3 + 1
    normal = normalised_relevance(found).flatten().tolist()
    assert normal == pytest.approx([1.538462, 0.461538, 0.0, 2.0], abs=1e-6)


def test_rollout_of_two_layers_by_hand():
    # (A + I) / 2 is [[.85, .15], [.2, .8]], twice: .85^2 + .15 x .2 = .7525, .2 x .85 + .8 x .2 = .33
    weights = torch.tensor([[0.7, 0.3], [0.4, 0.6]]).double()
    found = rollout([weights, weights]).flatten().tolist()
    assert found == pytest.approx([0.7525, 0.2475, 0.33, 0.67], abs=1e-6)


def test_grad_cam_keeps_what_speaks_for_the_target():
    # channel weights are the mean gradients (1, -1); token sums 2 - 1 = 1 and 1 - 3 < 0
    activations, gradient = (
        torch.tensor([[2.0, 1.0], [1.0, 3.0]]),
        torch.tensor([[2.0, -2.0], [0, 0]]),
    )
    assert cam_of(activations, gradient).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_model_that_never_changes_has_nothing_to_explain(name):
    found = explained(name, lambda x: np.full(len(x), 0.5), BASE_POINT)
    assert found.total == 0.0
    if name != "random":
        assert np.abs(found.scores).max() < 1e-12


def test_unknown_settings_are_refused_with_those_there_are():
    with pytest.raises(UsageError, match="its options: n_samples"):
        make_explainer("kernel_shap", {"n_steps": 3})
    with pytest.raises(UsageError, match="even number"):
        make_explainer("sampled_shapley", {"n_permutations": 3})


def test_relevance_and_rollout_across_a_decoder_by_hand():
    # the encoder's R is [[1.5, .5], [0, 1]], so N(R) = [[1.5, .5], [0, 1]] (rows of R - I: 1, 0);
    # one written token: own R = 1 + .5 = 1.5, N = 1 + 1 = 2; across A = [.2, .4]
    # R_de = 2 x [.2, .4] N(R) = 2 x [.3, .1 + .4] = [.6, 1]
    heard = torch.tensor([[1.5, 0.5], [0.0, 1.0]])
    cams = [(torch.tensor([[0.5]]), torch.tensor([[0.2, 0.4]]))]
    assert relevance_across(heard, cams)[0].tolist() == pytest.approx([0.6, 1.0], abs=1e-6)
    # twice: R_de grows by its own half to [.9, 1.5], R_dd to 2.25, N still 2: + [.6, 1]
    assert relevance_across(heard, cams * 2)[0].tolist() == pytest.approx([1.5, 2.5], abs=1e-6)
    # rollout: half of [.3, .7] through the encoder's [[.9, .1], [.2, .8]] = [.41, .59] / 2
    rolled = rollout_across(
        torch.tensor([[0.9, 0.1], [0.2, 0.8]]), [(torch.eye(1), torch.tensor([[0.3, 0.7]]))]
    )
    assert rolled[0].tolist() == pytest.approx([0.205, 0.295], abs=1e-6)


def test_noise_is_measured_for_each_medium_of_a_joint_input():
    # pixels from -100 to 100 beside embeddings from -.1 to .1: a bump far from the embeddings'
    # own range is seen only by noise that is not theirs
    inputs = torch.tensor([[-100.0, 100.0, -0.1, 0.1]])

    def output(x):
        return x[:, 2:].sum(-1) + (x[:, 2:].abs() > 5).float().sum(-1) * x[:, 2] * 1000

    view = DifferentiableView(inputs, inputs * 0, output, (), cell_sums=lambda x: x[0])
    joint = replace(view, parts=(2, 2))
    assert gradients.smooth_grad(joint).scores == pytest.approx([0, 0, 1, 1])
    assert gradients.smooth_grad(view).scores[2] > 2


def test_points_given_a_few_at_a_time_change_no_score():
    view = relu_view()
    few = replace(view, most_at_once=3)
    for name in ("integrated_gradients", "saliency"):
        one, other = (getattr(gradients, name)(v).scores for v in (view, few))
        assert one == pytest.approx(other, abs=1e-6)
