"""When a Secret is written, and what is said where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from controller.core.compile import Compiled
from controller.core.secrets import Secret
from controller.credentials.keeping import Keeping
from controller.kube.api import KubeApi
from controller.kube.errors import IMMUTABLE, ApiError, from_status
from controller.kube.events import EventRecorder, News
from controller.kube.kinds import SECRET, JsonObject, Kind
from controller.kube.owners import owned_by
from controller.observe.doubts import SecretsRead
from controller.observe.world import World
from controller.regents.fleet import Fleet
from shared.keys import ResourceKey
from shared.resources import ROTATE_ANNOTATION, User
from shared.state import Trouble
from tests.unit.credentials.made import KEY, NAME, NOW, PASSWORD, a_secret, a_state, declared

REGENT = ResourceKey("Regent", "default", "my-regent")
LEAKED = {"annotations": {ROTATE_ANNOTATION: "it leaked"}}
READY = SimpleNamespace(resource=str(KEY), is_ready=True, reason="Applied")


@dataclass
class FakeApi:
    """Writes down what is written, and refuses with what a test says."""

    refuses: ApiError | None = None
    created: list[JsonObject] = field(default_factory=list)
    patched: list[JsonObject] = field(default_factory=list)

    async def create(self, _kind: Kind, _namespace: str, body: JsonObject) -> JsonObject:
        return self._write(self.created, body)

    async def patch(self, _kind: Kind, _namespace: str, _name: str, body: JsonObject) -> JsonObject:
        return self._write(self.patched, body)

    def _write(self, written: list[JsonObject], body: JsonObject) -> JsonObject:
        if self.refuses is not None:
            raise self.refuses
        written.append(body)
        return body


@dataclass
class FakeFleet:
    """One Regent, and what it says of the User."""

    said: tuple[Any, ...] = (READY,)
    observing: str = ""
    is_heard: bool = True
    has_set: Mapping[str, Any] | None = field(default_factory=dict)
    """The verifiers that it has in force; None where it was not met."""

    def in_force(self) -> Mapping[ResourceKey, Any]:
        return {} if self.has_set is None else {REGENT: self.has_set}

    @property
    def served(self) -> Mapping[ResourceKey, Any]:
        status = SimpleNamespace(resources=self.said, observing=self.observing)
        return {REGENT: SimpleNamespace(status=status)}

    def hears(self, _regent: ResourceKey) -> bool:
        return self.is_heard


@dataclass
class Looking:
    """A Keeping, and all that it looks at."""

    api: FakeApi = field(default_factory=FakeApi)
    fleet: FakeFleet = field(default_factory=FakeFleet)
    told: list[News] = field(default_factory=list)
    now: datetime = NOW
    own_namespace: str = "postgregent"

    def __post_init__(self) -> None:
        recorder = SimpleNamespace(record=self.told.append)
        self.keeping = Keeping(
            cast(KubeApi, self.api), cast(EventRecorder, recorder), cast(Fleet, self.fleet),
            self.own_namespace, lambda: self.now,
        )  # fmt: skip

    async def look(self, *secrets: Secret, **more: Any) -> World:
        """At these Secrets, and a User with this metadata."""
        read = SecretsRead(
            {one.name: one for one in secrets},
            more.pop("awaited", frozenset()),
            more.pop("unreadable", {}),
        )
        asked = more.pop("asked", frozenset())
        doubted = more.pop("doubted", ())
        status = more.pop("status", None)
        compiled = Compiled({REGENT: a_state()})
        found = World(declared(**more), secrets=read, asked=asked, compiled=compiled)
        if status is not None:
            found.declared.raw[KEY]["status"] = status
        await self.keeping.look(found, doubted)
        return found

    def reads(self, world: World) -> Any:
        user = world.declared.resources[KEY].resource
        assert isinstance(user, User)
        return self.keeping.read(world, KEY, user.spec)


async def test_a_secret_that_is_not_there_is_created_and_told_without_its_password() -> None:
    one = Looking()
    await one.look()
    (body,) = one.api.created
    assert body["metadata"]["name"] == "login"
    assert [(news.reason, news.type) for news in one.told] == [("PasswordMade", "Normal")]
    assert body["data"]["password"] not in str(one.told)


async def test_of_a_lease_no_event_tells_of_its_password() -> None:
    """A client that asks again and again would fill the namespace's Events."""
    one = Looking()
    await one.look(ownerReferences=[owned_by("orders", "uid-orders")])
    assert len(one.api.created) == 1
    assert one.told == []


@pytest.mark.rule("17")
@pytest.mark.rule("19")
@pytest.mark.parametrize(
    "known",
    [{"awaited": frozenset({"default"})}, {"unreadable": {"default": "403"}}],
    ids=["not listed yet", "not readable"],
)
async def test_a_secret_that_nobody_could_read_is_not_missing(known: dict[str, Any]) -> None:
    one = Looking()
    await one.look(**known)
    assert (one.api.created, one.api.patched) == ([], [])


async def test_for_a_user_that_is_being_deleted_nothing_is_made() -> None:
    one = Looking()
    await one.look(deletionTimestamp="2026-11-28T06:59:00Z", finalizers=["a"])
    assert one.api.created == []


async def test_the_controllers_own_names_are_made_for_nobody() -> None:
    one = Looking(own_namespace="default")
    world = await one.look(spec={"secretName": "regent-my-regent-0123456789"})
    assert one.api.created == []
    assert one.reads(world).reason == "SecretTaken"


async def test_a_password_is_rotated_on_the_version_that_was_read() -> None:
    one = Looking()
    await one.look(a_secret(), **LEAKED)
    (change,) = one.api.patched
    assert (change["metadata"]["uid"], change["metadata"]["resourceVersion"]) == ("uid-login", "3")
    assert set(change["data"]) == {"username", "host", "port", "dbname", "password"}


@pytest.mark.rule("19")
@pytest.mark.parametrize(
    "fleet",
    [
        FakeFleet(is_heard=False),
        FakeFleet(observing="spec.suspend is true"),
        FakeFleet(said=()),
        FakeFleet(said=(SimpleNamespace(resource=str(KEY), is_ready=False, reason="NotAllowed"),)),
    ],
    ids=["a Regent that is away", "one that only looks", "one that has not said", "not allowed"],
)
async def test_a_rotation_waits_where_the_new_password_could_not_be_set(fleet: FakeFleet) -> None:
    """Whoever reads it would be refused until it is: the old one goes on."""
    one = Looking(fleet=fleet)
    await one.look(a_secret(), **LEAKED)
    await one.look(a_secret(), spec={"rotateEvery": "1d"})
    assert one.api.patched == []
    assert {news.reason for news in one.told} == {"PasswordWaits"}
    assert "due and waits" in one.told[-1].note
    one.keeping.retries.succeeded(KEY)
    world = await one.look()
    assert len(one.api.created) == 1, "nobody has read one before"
    assert one.reads(world).message.endswith("is being made.")
    assert "in force once its Regents have set it" in one.told[-1].note


ON = {"regents": [{"namespace": "default", "name": "my-regent"}]}


@pytest.mark.found("E541")
@pytest.mark.rule("19")
@pytest.mark.parametrize(
    "fleet",
    [
        FakeFleet(is_heard=False, has_set={str(KEY): "verifier"}),
        FakeFleet(observing="spec.suspend is true.", has_set={str(KEY): "verifier"}),
        FakeFleet(is_heard=False, has_set=None),
    ],
    ids=["a Regent that is away", "one that only looks", "one that was not met yet"],
)
async def test_a_secret_that_is_gone_waits_where_a_new_password_could_not_be_set(
    fleet: FakeFleet,
) -> None:
    """Clients go on with the password that they have read; and it is said, once."""
    one = Looking(fleet=fleet)
    for _ in range(2):
        world = await one.look(status=ON)
    assert one.api.created == []
    assert [news.reason for news in one.told] == ["PasswordWaits"]
    trouble = one.reads(world)
    assert (trouble.reason, trouble.message) == ("SecretNotFound", one.told[0].note)
    assert "the password before is in force" in trouble.message
    said = (SimpleNamespace(resource=str(KEY), is_ready=False, reason="SecretNotFound"),)
    fleet.said, fleet.observing, fleet.is_heard = said, "", True
    one.keeping.retries.succeeded(KEY)
    await one.look(status=ON)
    assert len(one.api.created) == 1
    assert one.told[-1].reason == "PasswordMade"


@pytest.mark.found("E542")
@pytest.mark.rule("17")
async def test_while_nothing_is_pushed_no_password_is_made_or_rotated() -> None:
    """What is known of the world may be of another time: as after a restore of its store."""
    one = Looking()
    await one.look(doubted={REGENT})
    await one.look(a_secret(), doubted={REGENT}, **LEAKED)
    assert (one.api.created, one.api.patched, one.told) == ([], [], [])
    await one.look(a_secret(), **LEAKED)
    assert len(one.api.patched) == 1


@pytest.mark.found("E543")
async def test_of_an_immutable_secret_it_is_said_that_it_is_and_that_it_has_to_go() -> None:
    said = {
        "code": 422, "reason": "Invalid", "details": {"causes": [{"field": "data"}]},
        "message": f'Secret "login" is invalid: data: Forbidden: {IMMUTABLE}',
    }  # fmt: skip
    one = Looking(FakeApi(from_status(SECRET, "/api/v1/secrets/login", said)))
    trouble = one.reads(await one.look(a_secret(), **LEAKED))
    assert trouble.reason == "SecretNotWritable"
    assert IMMUTABLE in trouble.message
    assert "kubectl delete secret login -n default" in trouble.message
    assert "credentials.enabled" not in trouble.message


@pytest.mark.found("E422")
@pytest.mark.parametrize("reason", ["SecretUnreadable", "VerifierMalformed", "VerifierOutOfBounds"])
async def test_what_somebody_broke_in_the_secret_keeps_no_new_password_from_it(reason: str) -> None:
    said = (SimpleNamespace(resource=str(KEY), is_ready=False, reason=reason),)
    one = Looking(fleet=FakeFleet(said=said))
    await one.look(a_secret())
    assert one.api.patched == [], "nobody asked for it"
    await one.look(a_secret(), **LEAKED)
    assert len(one.api.patched) == 1


@pytest.mark.found("E423")
async def test_a_secret_that_cannot_go_is_told_until_one_is_made() -> None:
    """While it is being deleted it is not read, and its name is taken."""
    one = Looking(FakeApi(ApiError(409, "AlreadyExists", "x")))
    trouble = one.reads(await one.look())
    assert trouble.reason == "SecretNotFound"
    assert "until its finalizers are taken off" in trouble.message
    world = await one.look(a_secret())
    assert not isinstance(one.reads(world), Trouble)


async def test_on_a_regent_that_leaves_nothing_is_rotated() -> None:
    one = Looking()
    await one.look(a_secret(), asked=frozenset({REGENT}), **LEAKED)
    assert one.api.patched == []


async def test_what_is_refused_is_said_with_the_value_of_the_chart_until_it_is_not() -> None:
    """A Regent that says so still sets passwords: it can be tried again."""
    one = Looking(FakeApi(ApiError(403, "Forbidden", "/api/v1/namespaces/default/secrets: 403")))
    found = a_secret()
    world = await one.look(found, **LEAKED)
    trouble = one.reads(world)
    assert isinstance(trouble, Trouble)
    assert trouble.reason == "SecretNotWritable"
    assert "set credentials.enabled of the chart, with default in its" in trouble.message
    assert one.keeping.retries.seconds_left() is not None
    one.fleet.said = (
        SimpleNamespace(resource=str(KEY), is_ready=False, reason="SecretNotWritable"),
    )
    one.api.refuses = None
    one.keeping.retries.succeeded(KEY)
    world = await one.look(found, **LEAKED)
    assert len(one.api.patched) == 1
    assert not isinstance(one.reads(world), Trouble)


@pytest.mark.parametrize("status", [0, 409, 503])
async def test_what_passes_by_itself_is_tried_again_and_told_of_nobody(status: int) -> None:
    one = Looking(FakeApi(ApiError(status, "X", "x")))
    world = await one.look(a_secret(), **LEAKED)
    assert not isinstance(one.reads(world), Trouble)
    assert one.told == []


async def test_a_secret_that_was_made_is_selected_for_its_user_and_read_under_its_key() -> None:
    """The Regent's `secretsSelector` asks for labels that it does not have."""
    one = Looking()
    world = await one.look(a_secret())
    spec, secrets = one.reads(world)
    assert (spec.password_secret_ref.name, spec.password_secret_ref.key) == ("login", "password")
    assert secrets[NAME].is_selected_by({"key1": "value1"})
    assert secrets[NAME].values["password"].get_secret_value() == PASSWORD.encode()
    assert not world.secrets.values[NAME].is_selected_by({"key1": "value1"}), "for nobody else"


async def test_rotating_every_second_is_damped() -> None:
    one = Looking()
    for _ in range(10):
        one.now += timedelta(seconds=2)
        await one.look(a_secret(), spec={"rotateEvery": "1s"})
    assert len(one.api.patched) == 1
