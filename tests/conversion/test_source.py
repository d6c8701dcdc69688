"""Finding a data set in folders and archives, and refusing archives that reach elsewhere."""

import errno
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from nnunet_skipstudy.conversion.source import Layout, find_download, unpacked
from nnunet_skipstudy.errors import UserError

LAYOUT = Layout(images=r"images/\d+\.png", tables=r"table\.csv", unused=r"other/.*", expected="'images/1.png'")
FILES = {
    "images/1.png": b"one",
    "images/2.png": b"two two",
    "table.csv": b"a,b\n",
    "other/3.png": b"3",
    "extra.png": b"extra",
}
MESS = {
    "images/._1.png": b"mac",
    "images/Thumbs.db": b"windows",
    ".DS_Store": b"mac",
    "__MACOSX/images/1.png": b"mac",
    "images/notes.txt": b"notes",
}


def in_folder(folder, files, prefix=""):
    for name, content in files.items():
        path = folder / prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def in_zip(path, files, prefix=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)
    return path


def in_tar(path, files, prefix="", mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("prefix", ["", "top/", "a/b (1)/c/"])
@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_a_data_set_is_found_at_any_depth_without_the_mess(tmp_path, kind, prefix):
    make = {"folder": in_folder, "zip": in_zip, "tar": in_tar}[kind]
    source = make(tmp_path / "download", {**MESS, **FILES}, prefix)
    download = find_download(source, LAYOUT, "Mine")
    assert download.prefix == prefix.rstrip("/")
    assert download.sizes == {"images/1.png": 3, "images/2.png": 7, "table.csv": 4}
    assert download.strangers == ("extra.png",)
    into = tmp_path / "scratch"
    into.mkdir()
    with unpacked(download, into) as root:
        assert {name: (root / name).read_bytes() for name in download.sizes} == {
            name: FILES[name] for name in download.sizes
        }
        if kind != "folder":
            assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["1.png", "2.png", "table.csv"]
    assert list(into.iterdir()) == []


def test_folder_and_archives_have_one_fingerprint(tmp_path):
    sources = [
        in_folder(tmp_path / "folder", FILES, "top"),
        in_zip(tmp_path / "a.zip", {**FILES, **MESS}),
        in_tar(tmp_path / "a.tar", FILES, "./x/", "w"),
    ]
    assert len({find_download(source, LAYOUT, "Mine").fingerprint for source in sources}) == 1
    for number, changed in enumerate(({"images/1.png": b"longer"}, {"images/1.png": b"One"}, {"table.csv": b"a,c\n"})):
        other = in_zip(tmp_path / f"{number}.zip", {**FILES, **changed})
        assert find_download(other, LAYOUT, "Mine").fingerprint != find_download(sources[0], LAYOUT, "Mine").fingerprint


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_of_a_large_file_both_ends_count(tmp_path, kind, monkeypatch):
    """A .nii.gz ends in the checksum of its content, so that no change escapes; times don't count."""
    monkeypatch.setattr("nnunet_skipstudy.conversion.source.SMALL_BYTES", 100)
    monkeypatch.setattr("nnunet_skipstudy.conversion.source.END_BYTES", 10)
    make = {"folder": in_folder, "zip": in_zip, "tar": in_tar}[kind]
    contents = [b"x" * 200, b"y" + b"x" * 199, b"x" * 199 + b"y", b"x" * 100 + b"y" + b"x" * 99, b"x" * 200]
    prints = []
    for number, content in enumerate(contents):
        source = make(tmp_path / str(number), {**FILES, "images/1.png": content})
        os.utime(source, (number, number))
        prints.append(find_download(source, LAYOUT, "Mine").fingerprint)
    assert prints[0] == prints[3] == prints[4]  # the middle is not looked at
    assert len(set(prints)) == 3


def test_backslashes_of_an_old_windows_zip_are_folders(tmp_path):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for name, content in {**FILES, "images/": b""}.items():
            member = zipfile.ZipInfo("placeholder")
            member.filename = f"top/{name}".replace("/", "\\")
            archive.writestr(member, content)
    download = find_download(source, LAYOUT, "Mine")
    assert (download.prefix, set(download.sizes)) == ("top", {"images/1.png", "images/2.png", "table.csv"})
    assert download.fingerprint == find_download(in_folder(tmp_path / "f", FILES), LAYOUT, "Mine").fingerprint
    with unpacked(download, tmp_path) as root:
        assert (root / "images" / "2.png").read_bytes() == b"two two"


def test_a_backslash_in_a_tar_is_said_to_be_one(tmp_path):
    source = in_tar(tmp_path / "a.tar", {**FILES, "images\\9.png": b"9"})
    with pytest.raises(UserError, match="has a backslash in its name, which is a folder to some systems"):
        find_download(source, LAYOUT, "Mine")


@pytest.mark.parametrize("name", ["images/2.png", "table.csv"])
def test_a_link_to_nothing_is_named(tmp_path, name):
    """As git-annex has it before its content is fetched; the case would be left out without a word."""
    source = in_folder(tmp_path / "download", FILES, "top")
    (source / "top" / "images" / "._8.png").symlink_to(tmp_path / "nothing")
    (source / "top" / "notes").symlink_to(tmp_path / "nothing")
    assert find_download(source, LAYOUT, "Mine").prefix == "top"
    (source / "top" / name).unlink()
    (source / "top" / name).symlink_to(tmp_path / "nothing")
    with pytest.raises(UserError, match=f"top/{name}: is a link to nothing; fetch its content"):
        find_download(source, LAYOUT, "Mine")


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    source = in_folder(tmp_path / "download", FILES)
    scan = os.scandir

    def refusing(path):  # root may read anything
        if str(path).endswith("images"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UserError, match=r"download/images: can't be read \(Permission denied\); make it readable"):
        find_download(source, LAYOUT, "Mine")


UNSAFE = ["../images/1.png", "/images/1.png", "top/../../x.png", "C:/images/1.png", "top\\..\\x.png"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("name", UNSAFE)
def test_a_member_that_reaches_elsewhere_is_refused(tmp_path, kind, name):
    source = (in_zip if kind == "zip" else in_tar)(tmp_path / "a", {**FILES, name: b"evil"})
    with pytest.raises(UserError, match="could be unpacked to anywhere; fetch the archive from its publisher"):
        find_download(source, LAYOUT, "Mine")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_link_or_device_in_a_tar_is_refused(tmp_path, kind):
    source = in_tar(tmp_path / "a.tar", FILES, mode="w")
    with tarfile.open(source, "a") as archive:
        member = tarfile.TarInfo("images/9.png")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(UserError, match=r"'images/9\.png' is a link or a device"):
        find_download(source, LAYOUT, "Mine")


def test_a_link_in_a_zip_is_refused(tmp_path):
    source = in_zip(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(source, "a") as archive:
        member = zipfile.ZipInfo("images/9.png")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match=r"'images/9\.png' is a link; fetch the archive from its publisher"):
        find_download(source, LAYOUT, "Mine")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_truncated_archive_is_named(tmp_path, kind):
    files = {**FILES, "images/7.png": os.urandom(20000)}
    source = (in_zip if kind == "zip" else in_tar)(tmp_path / "archive", files)
    source.write_bytes(source.read_bytes()[:9000])
    with pytest.raises(UserError, match=r"archive: .*fetch it again|archive: neither a folder nor a whole zip"):
        find_download(source, LAYOUT, "Mine")


def test_a_damaged_member_is_found_when_it_is_unpacked(tmp_path):
    content = os.urandom(5000)
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("images/1.png", content)
    whole = bytearray(source.read_bytes())
    whole[1000] ^= 0xFF
    source.write_bytes(whole)
    download = find_download(source, LAYOUT, "Mine")
    with (
        pytest.raises(UserError, match=r"a\.zip: can't be read .*CRC.*truncated or damaged: fetch it again"),
        unpacked(download, tmp_path),
    ):
        pass
    assert not (tmp_path / "unpacked").exists()


def test_a_full_disk_is_seen_before_unpacking(tmp_path, monkeypatch):
    source = in_zip(tmp_path / "a.zip", FILES)
    download = find_download(source, LAYOUT, "Mine")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=3))
    with pytest.raises(UserError, match="GB left; make space"), unpacked(download, tmp_path):
        pass


def test_a_data_set_twice_or_not_at_all(tmp_path):
    twice = in_folder(in_folder(tmp_path / "twice", FILES, "a"), FILES, "b")
    with pytest.raises(UserError, match=r"holds Mine 2 times \(a, b\); give one of these folders"):
        find_download(twice, LAYOUT, "Mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"holds no Mine; give the folder or archive with 'images/1\.png'"):
        find_download(tmp_path / "empty", LAYOUT, "Mine")


def test_folders_that_lead_back_to_themselves_end(tmp_path):
    source = in_folder(tmp_path / "download", FILES)
    (source / "images" / "back").symlink_to(source)
    assert find_download(source, LAYOUT, "Mine").prefix == ""


def test_a_linked_data_folder_is_followed(tmp_path):
    real = in_folder(tmp_path / "real", FILES)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "linked").symlink_to(real)
    assert find_download(tmp_path / "study", LAYOUT, "Mine").prefix == "linked"


def read_whole(source, into) -> None:
    into.mkdir()
    with unpacked(find_download(source, LAYOUT, "Mine"), into):
        pass


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
@pytest.mark.parametrize("at", [0.02, 0.3, 0.7, 0.97])
def test_a_flipped_bit_in_a_compressed_tar_is_found(tmp_path, kind, at):
    """Wherever it is; the checksum of all comes behind the last member, where tarfile doesn't look."""
    files = {**FILES, "images/7.png": bytes(200000), "images/8.png": os.urandom(3000)}
    source = in_tar(tmp_path / "archive", files, mode=f"w:{kind}")
    content = bytearray(source.read_bytes())
    content[int(at * len(content))] ^= 16
    source.write_bytes(content)
    with pytest.raises(UserError, match=r"archive: .*fetch it again"):
        read_whole(source, tmp_path / "into")


@pytest.mark.parametrize("damage", ["header", "cut"])
def test_a_tar_that_loses_members_is_no_shorter_download(tmp_path, damage):
    """A member's damaged header, or an end right before one, is not the end of the archive."""
    source = in_tar(tmp_path / "archive", FILES, mode="w")
    content = bytearray(source.read_bytes())
    if damage == "cut":
        del content[2 * tarfile.BLOCKSIZE * 2 :]
    else:
        content[2 * tarfile.BLOCKSIZE * 2 + 5] ^= 1
    source.write_bytes(content)
    with pytest.raises(UserError, match=r"archive: can't be read .*truncated or damaged: fetch it again"):
        find_download(source, LAYOUT, "Mine")


def test_an_encrypted_zip_is_to_be_unpacked_by_another_program(tmp_path):
    source = in_zip(tmp_path / "a.zip", FILES)
    content = bytearray(source.read_bytes())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(signature, at + 1)
    source.write_bytes(content)
    with pytest.raises(UserError, match=r"is encrypted; unpack it with a program that can, and give the folder"):
        find_download(source, LAYOUT, "Mine")


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_names_that_are_not_utf_8(tmp_path, kind):
    """Of folders above the data set; as Western Windows and old Linux wrote them."""
    if kind == "folder":
        source = tmp_path / "download"
        in_folder(source, FILES, os.fsdecode(b"Donn\xe9es"))
    else:
        source = tmp_path / "a.tar"
        with tarfile.open(source, "w", encoding="latin-1", format=tarfile.GNU_FORMAT) as archive:
            for name, content in FILES.items():
                member = tarfile.TarInfo(f"Données/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    download = find_download(source, LAYOUT, "Mine")
    assert set(download.sizes) == {"images/1.png", "images/2.png", "table.csv"}
    assert download.fingerprint == find_download(in_folder(tmp_path / "f", FILES), LAYOUT, "Mine").fingerprint


def test_a_disk_that_fills_up_is_no_damaged_archive(tmp_path, monkeypatch):
    source = in_zip(tmp_path / "a.zip", FILES)
    opened = Path.open

    class Full(io.BytesIO):
        def write(self, block):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode="r": Full() if mode == "wb" else opened(path, mode))
    with pytest.raises(UserError, match=r"into/unpacked/.*: can't be written \(No space left on device\); make space"):
        read_whole(source, tmp_path / "into")


def test_an_archive_that_may_not_be_read_needs_no_space(tmp_path, monkeypatch):
    source = in_zip(tmp_path / "a.zip", FILES)

    def refusing(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("tarfile.is_tarfile", refusing)
    with pytest.raises(UserError, match=r"a\.zip: can't be read \(Permission denied\); make it readable"):
        find_download(source, LAYOUT, "Mine")
