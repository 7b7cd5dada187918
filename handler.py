"""RunPod's Hub asks for a file of this name: the worker is the entry point's."""

from entrypoint import main

if __name__ == "__main__":
    main()
