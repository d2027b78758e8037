"""Screens the prompt: blocks, masks or warns by the workspace's rules, before any rule or provider sees it."""
