"""A run: a folder, the process that fills it, and what is made of it afterwards.

`folder`, `status`, `events`, `process`, `executors`, `lock` and `control` know no torch, so that a window may
import them.
"""
