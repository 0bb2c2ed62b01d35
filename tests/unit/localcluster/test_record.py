"""The addresses and names of a cluster, which must not collide with anything on the machine."""

import ipaddress
from itertools import combinations

import pytest

from localcluster import record
from localcluster.paths import state
from localcluster.record import Record


def use(monkeypatch: pytest.MonkeyPatch, *taken: str) -> None:
    monkeypatch.setattr(record, "_routed", lambda: [ipaddress.IPv4Network(network) for network in taken])
    monkeypatch.setattr(record, "_recorded", list)


def test_free_machine_same_name_same_network(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)
    assert Record.choose("one") == Record.choose("one")


def test_routed_network_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)
    first = Record.choose("one").network
    use(monkeypatch, str(next(ipaddress.IPv4Network(first).subnets(new_prefix=24))))
    assert not ipaddress.IPv4Network(Record.choose("one").network).overlaps(ipaddress.IPv4Network(first))


def test_full_machine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "10.0.0.0/8")
    with pytest.raises(SystemExit, match="no free"):
        Record.choose("one")


def test_ranges_of_one_cluster_do_not_overlap() -> None:
    cluster = Record("one", "10.70.0.0/16")
    cable = ipaddress.IPv4Network(f"{cluster.host_address}/30", strict=False)
    services, pods = ipaddress.IPv4Network(cluster.service_cidr), ipaddress.IPv4Network(cluster.pod_cidr)
    assert not any(one.overlaps(other) for one, other in combinations([cable, services, pods], 2))
    assert ipaddress.IPv4Address(cluster.service_address) == services[1]


def test_interface_name_fits_the_kernel() -> None:
    assert len(Record("a" * 40, "10.70.0.0/16").interface) <= 15


@pytest.mark.parametrize("name", ["", "../etc", "UPPER", "a" * 41, "-a", "a/b"])
def test_unsafe_name_is_refused(name: str) -> None:
    with pytest.raises(SystemExit, match="cluster name"):
        state(name)
