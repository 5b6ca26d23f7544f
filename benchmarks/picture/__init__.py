"""The picture for the README, as SVG written by hand: it is readable on a light page and on a dark one."""
