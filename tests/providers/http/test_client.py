"""What building a client loads, and what it does not."""

import subprocess
import sys


def loaded(script: str) -> set[str]:
    code = f"import sys\n{script}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_httpx_comes_without_its_command_line():
    modules = loaded("from hfs_cli.providers.http.client import load_httpx; load_httpx()")
    assert "httpx" in modules
    assert not modules & {"httpx._main", "rich", "click", "pygments"}


def test_many_threads_may_load_it_at_once():
    modules = loaded(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from hfs_cli.providers.http.client import load_httpx\n"
        "with ThreadPoolExecutor(16) as pool:\n"
        "    assert len({id(pool.submit(load_httpx).result()) for _ in range(64)}) == 1\n"
        "    list(pool.map(lambda _: load_httpx().Client, range(64)))\n"
    )
    assert "rich" not in modules


def test_choosing_a_model_loads_no_http_client():
    assert "httpx" not in loaded(
        "import hfs_cli.providers.choose, hfs_cli.providers.embedded.weights"
    )


def test_no_certificates_are_read_for_an_open_line():
    modules = loaded(
        "from tests.providers.asking import provider_at, ASK\n"
        "provider = provider_at('http://127.0.0.1:1/v1')\n"
        "try: list(provider.stream(ASK))\n"
        "except Exception: pass\n"
    )
    assert "truststore" not in modules
