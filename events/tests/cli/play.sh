#!/bin/sh
# Plays flotilla-aws as the test that runs it wrote down. A program that was just written may still be busy; this one is not.
set -eu
. ./play.sh
