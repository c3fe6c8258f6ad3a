"""Arrays in files: a .npy file, and the members of .npz and .h5 files; nothing in them is ever run."""

from fuse_engine.data.arrays.address import Address
from fuse_engine.data.arrays.files import ENDINGS, list_members, read_member, read_text
from fuse_engine.data.arrays.member import Member

__all__ = ["ENDINGS", "Address", "Member", "list_members", "read_member", "read_text"]
