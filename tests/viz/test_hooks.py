"""Looking into shared networks: the rules against captum and by hand, and that nobody notices the looking."""

import gc
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from captum.attr import Deconvolution, GuidedBackprop
from torch import Tensor, nn

import zoo
from tests.untouched import untouched
from viz import hooks

CAPTUM = {"deconvnet": Deconvolution, "guided": GuidedBackprop}
RULED: tuple[hooks.Rule, ...] = ("deconvnet", "guided")

# captum says with every call that it hooks the model and that it asks the picture for gradients
quiet = pytest.mark.filterwarnings(
    "ignore:Setting backward hooks on ReLU activations", "ignore:Input Tensor 0 did not already require"
)


def picture(model_size: int = 32, channels: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(1, channels, model_size, model_size, generator=torch.Generator().manual_seed(seed))


def sent_back(model: nn.Module, image: Tensor, target: int, rule: hooks.Rule) -> Tensor:
    x = image.clone().requires_grad_()
    with hooks.rule(rule):
        passed = hooks.differentiable(model, x)
    return hooks.gradients(hooks.score(passed.logits, target), [x])[0]


class Functional(nn.Module):
    """Rectifiers that captum does not see."""

    def __init__(self, how: str) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)
        self.head = nn.Linear(8, 4)
        self.how = how
        if how == "modules":
            self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "modules":
            y = self.relu2(self.conv2(self.relu1(self.conv1(x))))
        elif self.how == "in place":
            y = F.relu_(self.conv2(F.relu(input=self.conv1(x), inplace=True)))
        elif self.how == "methods":
            y = torch.relu(self.conv2(self.conv1(x).relu()))
        else:
            y = F.relu6(self.conv2(F.relu6(self.conv1(x))))  # nothing here comes near 6
        return self.head(y.mean((2, 3)))


@quiet
@pytest.mark.parametrize("rule", RULED)
@pytest.mark.parametrize(
    "name", ["resnet_classroom", "vgg_classroom", "squeezenet_classroom", "bn_inception_classroom"]
)
def test_equal_to_captum_where_every_rectifier_is_a_module(name: str, rule: hooks.Rule) -> None:
    model, image = zoo.build(name).double(), picture().double()
    with untouched(model):
        ours = sent_back(model, image, 2, rule)
    theirs = CAPTUM[rule](zoo.build(name).double()).attribute(image, target=2)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-15)
    assert ours.abs().max() > 0


@quiet
@pytest.mark.parametrize("rule", RULED)
@pytest.mark.parametrize("how", ["functions", "methods", "in place"])
def test_right_where_captum_sends_back_the_plain_gradient(how: str, rule: hooks.Rule) -> None:
    model, modules, image = Functional(how), Functional("modules"), picture(12)
    right = CAPTUM[rule](modules).attribute(image, target=1)
    torch.testing.assert_close(sent_back(model, image, 1, rule), right)
    if how != "in place":  # where captum stops with an error
        missed = CAPTUM[rule](model).attribute(image, target=1)
        torch.testing.assert_close(missed, sent_back(model, image, 1, "gradient"))
        assert (missed - right).abs().max() > 0.1 * right.abs().max()


class SixByHand(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.hardtanh(x, max_val=6.0, min_val=0.0)


def test_three_rules_for_a_relu6_by_hand() -> None:
    """Values -1, 3 and 7 go in; the signals that come back are 2, -2 and 2."""
    head = nn.Linear(6, 1, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[2.0, 2, 2, -2, -2, -2]]))
    values = torch.tensor([-1.0, 3, 7, -1, 3, 7]).reshape(1, 6, 1, 1)
    for six in (nn.ReLU6(), SixByHand()):
        model = nn.Sequential(nn.Flatten(), six, head)
        expected: Mapping[hooks.Rule, list[int]] = {
            "gradient": [0, 2, 0, 0, -2, 0],
            "deconvnet": [2, 2, 2, 0, 0, 0],
            "guided": [0, 2, 0, 0, 0, 0],
        }
        for rule, signals in expected.items():
            assert sent_back(model, values, 0, rule).flatten().tolist() == signals, rule


def test_contrast_normalisation_is_stepped_over_by_the_deconvnet() -> None:
    lrn = nn.Sequential(nn.ReLU(), nn.LocalResponseNorm(5, alpha=1.0), nn.Flatten(), nn.Linear(72, 2))
    plain = nn.Sequential(nn.ReLU(), nn.Flatten(), lrn[3])
    image = torch.randn(1, 8, 3, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(sent_back(lrn, image, 1, "deconvnet"), sent_back(plain, image, 1, "deconvnet"))
    torch.testing.assert_close(hooks.observe(lrn, image).logits, lrn(image).detach())
    with hooks.rule("deconvnet"):  # the pass itself is not changed
        torch.testing.assert_close(hooks.observe(lrn, image).logits, lrn(image).detach())


@pytest.mark.parametrize("rule", RULED)
@pytest.mark.parametrize(
    "act", [nn.GELU(), nn.SiLU(), nn.Hardswish(), nn.Tanh(), nn.LeakyReLU(), nn.ELU(), nn.Mish()]
)
def test_refused_for_what_is_no_rectifier(act: nn.Module, rule: hooks.Rule) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), act, nn.Flatten(), nn.LazyLinear(2)
    )
    image = picture(8)
    model(image)
    name = type(act).__name__
    assert name in (hooks.undefined(model) or "")
    with untouched(model), pytest.raises(hooks.UndefinedRuleError, match=f"Not defined for {name}"):
        sent_back(model, image, 0, rule)
    assert sent_back(model, image, 0, "gradient").isfinite().all()


@pytest.mark.parametrize("function", [F.gelu, F.silu, F.hardswish, F.leaky_relu, F.elu, F.mish, F.hardtanh])
def test_refused_for_functions_too(function: Callable[[Tensor], Tensor]) -> None:

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return function(self.relu(x)).mean((2, 3))

    model = Net()
    assert hooks.undefined(model) is None  # nobody can know before
    with pytest.raises(hooks.UndefinedRuleError, match="Not defined for"):
        sent_back(model, picture(8), 0, "guided")


@pytest.mark.parametrize(
    ("name", "word"),
    [("mobilenet_v3_classroom", "HardSwish"), ("vit_classroom", "GELU"), ("efficientnet_classroom", "SiLU"),
     ("darknet_classroom", "LeakyReLU"), ("lenet_classroom", "Tanh")],
)  # fmt: skip
def test_the_zoo_networks_without_rectifiers_say_so(name: str, word: str) -> None:
    model = zoo.build(name)
    assert word in (hooks.undefined(model) or "")
    channels = zoo.VARIANTS[name].channels
    with pytest.raises(hooks.UndefinedRuleError, match=word):
        sent_back(model, picture(32, channels), 0, "deconvnet")


def test_a_pass_shows_what_the_modules_gave() -> None:
    model, image = Functional("modules").train(), picture(12)
    with untouched(model), torch.no_grad():
        passed = hooks.observe(model, image, ["conv1", "relu2"])
        conv1 = model.conv1(image)
        logits = model.head(passed.outputs["relu2"].mean((2, 3)))
    torch.testing.assert_close(passed.outputs["conv1"], conv1)
    torch.testing.assert_close(passed.logits, logits)
    assert not passed.logits.requires_grad


def test_the_graph_begins_at_the_layer() -> None:
    model, image = Functional("modules"), picture(12)
    with untouched(model):
        passed = hooks.differentiable(model, image, ["conv2", "relu2"])
        first, second = hooks.gradients(
            hooks.score(passed.logits, 3), [passed.outputs["conv2"], passed.outputs["relu2"]]
        )
    assert passed.outputs["conv2"].is_leaf
    torch.testing.assert_close(second, model.head.weight[3].reshape(1, -1, 1, 1).expand_as(second) / 64)
    torch.testing.assert_close(first, second * (passed.outputs["conv2"] > 0))


def test_two_scores_of_one_pass_and_a_score_that_depends_on_nothing() -> None:
    model, image = Functional("modules"), picture(12)
    passed = hooks.differentiable(model, image, ["conv2"])
    output = passed.outputs["conv2"]
    (one,) = hooks.gradients(hooks.score(passed.logits, 0), [output], again=True)
    (two,) = hooks.gradients(hooks.score(passed.logits, 1), [output, torch.zeros(3, requires_grad=True)])[:1]
    assert not torch.equal(one, two)
    elsewhere = torch.ones(2, requires_grad=True)
    assert hooks.gradients(elsewhere.sum(), [output])[0].abs().max() == 0


def test_every_module_is_visited_when_it_is_done() -> None:
    model = zoo.build("resnet_classroom")
    seen: list[str] = []
    with untouched(model):
        logits = hooks.visit(model, picture(), lambda path, module, output: seen.append(path))
    torch.testing.assert_close(logits, model(picture()).detach())
    assert sorted(seen) == sorted(path for path, _ in model.named_modules() if path)
    assert seen.index("stages.0.0.relu2") < seen.index("stages.0.0") < seen.index("stages.0")


def test_wrong_names_are_said() -> None:
    model, image = zoo.build("googlenet_classroom"), picture()
    with untouched(model), pytest.raises(ValueError, match=r"no layer called 'stages\.99'"):
        hooks.observe(model, image, ["stages.99"])
    for target in (-1, 2):
        with pytest.raises(ValueError, match="classes 0 to 1"):
            hooks.score(torch.zeros(1, 2), target)


def test_a_layer_that_is_not_used_is_said() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Flatten(), nn.Linear(1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    with pytest.raises(ValueError, match="'unused' takes no part"):
        hooks.observe(Net(), picture(4), ["used", "unused"])


class Fragile(nn.Module):
    """Fails in the middle when told to, in whichever copy."""

    broken = False

    def forward(self, x: Tensor) -> Tensor:
        if Fragile.broken:
            raise RuntimeError("in the middle")
        return x


@pytest.mark.parametrize("rule", hooks.RULES)
def test_nothing_stays_behind_after_an_error(rule: hooks.Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), Fragile(), nn.Flatten(), nn.LazyLinear(2)
    )
    image = picture(8)
    model(image)
    model.zero_grad(set_to_none=True)
    model.train()
    before = sent_back(model, image, 1, rule)
    with untouched(model), monkeypatch.context() as broken:
        broken.setattr(Fragile, "broken", True)
        with pytest.raises(RuntimeError, match="in the middle"):
            sent_back(model, image, 1, rule)
        with pytest.raises(RuntimeError, match="in the middle"):
            hooks.observe(model, image, ["2"])
    x = torch.tensor([-1.0, 1.0], requires_grad=True)
    (gradient,) = torch.autograd.grad((F.relu(x) * torch.tensor([1.0, -1.0])).sum(), x)
    assert gradient.tolist() == [0, -1]  # this thread is in no rule any more
    assert torch.equal(sent_back(model, image, 1, rule), before)
    assert hooks.observe(model, image, ["0"]).outputs.keys() == {"0"}

    def stop(path: str, module: nn.Module, output: Tensor) -> None:
        raise KeyboardInterrupt

    with untouched(model), pytest.raises(KeyboardInterrupt):
        hooks.visit(model, image, stop)


def test_eight_threads_on_one_network_see_what_one_thread_sees() -> None:
    model = zoo.build("resnet_classroom")
    jobs: list[tuple[hooks.Rule, int, int]] = [
        (rule, target, seed) for seed in range(4) for target in (0, 5) for rule in hooks.RULES
    ]

    def run(job: tuple[hooks.Rule, int, int]) -> tuple[Tensor, ...]:
        rule, target, seed = job
        image = picture(seed=seed)
        passed = hooks.differentiable(model, image, [path := f"stages.{seed % 3}"])
        return (
            sent_back(model, image, target, rule),
            *hooks.gradients(hooks.score(passed.logits, target), [passed.outputs[path]]),
            hooks.observe(model, image, ["stem"]).outputs["stem"],
        )

    alone = [run(job) for job in jobs]
    with untouched(model), ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, jobs * 2))
    for one, other in zip(alone * 2, together, strict=True):
        for expected, found in zip(one, other, strict=True):
            assert torch.equal(expected, found)


def test_a_rule_is_not_seen_by_other_threads() -> None:
    model, image = Functional("functions"), picture(12)
    plain = sent_back(model, image, 0, "gradient")
    inside, done = threading.Event(), threading.Event()

    def hold() -> None:
        with hooks.rule("deconvnet"):
            inside.set()
            done.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(20)
    try:
        assert torch.equal(sent_back(model, image, 0, "gradient"), plain)
        x = torch.tensor([-1.0], requires_grad=True)
        assert torch.autograd.grad(F.relu(x).sum(), x)[0] == 0
    finally:
        done.set()
        holder.join()


def test_rules_may_be_nested_and_end_with_their_block() -> None:
    model, image = Functional("modules"), picture(12)
    expected = {rule: sent_back(model, image, 0, rule) for rule in hooks.RULES}
    with hooks.rule("deconvnet"):
        with hooks.rule("guided"):
            passed = hooks.differentiable(model, x := image.clone().requires_grad_())
        assert torch.equal(hooks.gradients(hooks.score(passed.logits, 0), [x])[0], expected["guided"])
        passed = hooks.differentiable(model, x := image.clone().requires_grad_())
    assert torch.equal(hooks.gradients(hooks.score(passed.logits, 0), [x])[0], expected["deconvnet"])
    assert torch.equal(sent_back(model, image, 0, "gradient"), expected["gradient"])


def test_new_weights_are_seen_whichever_way_they_came() -> None:
    model, image = Functional("modules"), picture(12)
    other = {name: tensor + 0.1 for name, tensor in model.state_dict().items()}

    def check() -> None:
        torch.testing.assert_close(hooks.observe(model, image).logits, model(image).detach())

    check()
    model.load_state_dict(other)  # in place
    check()
    model.head.weight.data = model.head.weight.data * 2  # elsewhere, in the same parameter
    check()
    model.head = nn.Linear(8, 4)  # another module
    check()
    model.conv1.weight = nn.Parameter(model.conv1.weight.detach() + 1)
    check()
    model.double().float()
    check()


def test_a_network_that_nobody_needs_is_let_go() -> None:
    model = Functional("modules")
    hooks.observe(model, picture(12))
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_hooks_of_others_stay_where_they_are() -> None:
    model, image = Functional("modules"), picture(12)
    called: list[int] = []
    model.conv1.register_forward_hook(lambda *_: called.append(1))
    with untouched(model):
        hooks.observe(model, image, ["conv1"])
        hooks.shell(model)(image)
    assert not called
