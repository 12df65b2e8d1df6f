"""Which packages there are; everything else is in pyproject.toml.

``configs/`` stays at the top of the repository and is installed as data of the package, ``lightmannet/configs``.
"""

from pathlib import Path

from setuptools import find_packages, setup

configs = {
    ".".join(["lightmannet", *folder.parts]): folder.as_posix()
    for folder in (Path("configs"), *sorted(path for path in Path("configs").rglob("*") if path.is_dir()))
}
setup(
    packages=[*find_packages("src"), *find_packages(".", include=["data_modules*"]), *configs],
    package_dir={"lightmannet": "src/lightmannet", "data_modules": "data_modules", **configs},
)
