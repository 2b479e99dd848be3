#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace chronotile::manifest {

/// A recording and what is said in it.
struct Entry {
  std::filesystem::path file;  ///< absolute, or relative to the working directory as the manifest was
  std::string label;           ///< class or transcript, without blanks around it
  std::string place;           ///< FILE:LINE of the manifest, or the folder: for messages
  double seconds = 0;          ///< length of the recording if the manifest says it
};

/// Reads a manifest: one `path<TAB>label` per line, paths relative to the manifest, in the order of the lines. Empty
/// lines and lines that begin with '#' are skipped; CR LF line ends and a UTF-8 byte order mark are tolerated. Throws
/// UserError with file and line for a line without a tab, without a path or label, or whose recording does not exist,
/// and with the file if it is absent or lists nothing.
[[nodiscard]] std::vector<Entry> read_tsv(const std::filesystem::path& file);

/// Reads a directory of class folders of WAV (or FLAC) files, as Speech Commands has it, in sorted order. A folder
/// named as one of `classes` (with or without underscores around it: _silence_) is that class; another word's folder is
/// class "unknown" if `classes` has it; _background_noise_, other folders with a leading underscore and hidden ones are
/// skipped. If the directory has a testing_list.txt, only the recordings it names are taken. Throws UserError if
/// nothing is found, if a listed recording does not exist, or for a folder that is no class while "unknown" is none
/// either.
[[nodiscard]] std::vector<Entry> read_class_folders(const std::filesystem::path& directory,
                                                    const std::vector<std::string>& classes);

/// read_class_folders() for a directory, read_tsv() for anything else.
[[nodiscard]] std::vector<Entry> read(const std::filesystem::path& path, const std::vector<std::string>& classes);

/// Reads a directory of Librispeech: every *.trans.txt in it or below, in the order of their paths, with a line
/// `ID TEXT` for each recording ID.flac (or ID.wav) beside it. Throws UserError with file and line for a line without
/// text or whose recording does not exist, and with the directory if there are none.
[[nodiscard]] std::vector<Entry> read_librispeech(const std::filesystem::path& directory);

/// Reads a manifest of MLPerf Inference's RNN-T: a JSON list of objects with "transcript" and "files", a list whose
/// first object names the recording as "fname", relative to the manifest; "original_duration" gives `seconds`. Throws
/// UserError with the file, and line or number of the entry from 0, if it is no such list, lists nothing, or names a
/// recording that does not exist.
[[nodiscard]] std::vector<Entry> read_mlperf(const std::filesystem::path& file);

/// Recordings with transcripts: read_librispeech() for a directory, read_mlperf() for a *.json, read_tsv() for anything
/// else.
[[nodiscard]] std::vector<Entry> read_transcripts(const std::filesystem::path& path);

}  // namespace chronotile::manifest
